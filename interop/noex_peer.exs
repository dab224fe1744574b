# The Elixir endings of the interop tests, run in a worker of noex_peer.erl.
# SPDX-License-Identifier: Apache-2.0
defmodule NoexPeer.CustomError do
  defexception message: "nothing said", code: 0
end

defmodule NoexPeer do
  def ending(:runtime_error), do: raise("boom")
  def ending(:argument_error), do: raise(ArgumentError, "bad argument")
  def ending(:key_error), do: raise(KeyError, key: :missing, term: %{a: 1})
  def ending(:custom_error), do: raise(NoexPeer.CustomError, message: "it broke: grüße", code: 7)
  def ending(:unmatched), do: {:ok, _} = Process.get(:nothing, :error)
  def ending(:exit_string), do: exit("a binary")
  def ending(:exit_shutdown), do: exit({:shutdown, :restart})

  def ending(:call_timeout) do
    GenServer.call(spawn(fn -> Process.sleep(:infinity) end), :request, 10)
  end

  def ending(:task_timeout) do
    Task.await(Task.async(fn -> Process.sleep(:infinity) end), 10)
  end
end

# Elixir's own functions on processes of programs/citizen.c.
defmodule NoexCitizen do
  def ask(process, command) do
    ref = make_ref()
    send(process, {self(), ref, command})

    receive do
      {^ref, result} -> result
    after
      20_000 -> raise "no answer to #{inspect(command)}"
    end
  end

  def down(ref) do
    receive do
      {:DOWN, ^ref, :process, object, reason} -> {object, reason}
    after
      20_000 -> raise "no DOWN"
    end
  end

  defp served(c, p) do
    value = {:ok, "grüße", %{a: 1}}
    ^value = GenServer.call(p, {:echo, value})
    ^value = GenServer.call({:elixirs, c}, {:echo, value}, :infinity)
    {[{^c, 1}], [:nowhere@nohost]} = GenServer.multi_call([c, :nowhere@nohost], :elixirs, {:echo, 1})
    :ok = GenServer.cast(p, {:cast, 1})
    :abcast = GenServer.abcast([c], :elixirs, {:cast, 2})
    [{:cast, {:cast, 1}}, {:cast, {:cast, 2}}] = ask(p, {:events})
    {:process, _} = :sys.get_state(p)

    {:noproc, {GenServer, :call, _}} =
      try do
        GenServer.call({:nobody, c}, 1)
      catch
        :exit, reason -> reason
      end

    :ok = ask(p, {:serve})
    3 = :erpc.call(c, :c_node, :add, [1, 2])
    2 = Task.await(Task.async(fn -> :rpc.call(c, :c_node, :echo, [2]) end))
  end

  def all(c) do
    :pong = Node.ping(c)
    [^c] = Node.list(:hidden)
    true = Node.monitor(c, true)
    p = ask({:citizen, c}, {:spawn, :elixirs})
    ^c = node(p)
    {:elixirs, ^c} = GenServer.whereis({:elixirs, c})
    value = %{"grüße" => [:ok, nil, 1.5, {~D[2024-02-29], 1..3}]}
    ^value = ask(p, {:echo, value})
    ^value = ask({:elixirs, c}, {:echo, value})
    served(c, p)
    r1 = Process.monitor(p)
    r2 = Process.monitor({:elixirs, c})
    r3 = Process.monitor({:nobody, c})
    {{:nobody, ^c}, :noproc} = down(r3)
    gone = Process.monitor(p)
    true = Process.demonitor(gone, [:flush])
    Process.flag(:trap_exit, true)
    true = Process.link(p)
    true = Process.unlink(p)
    true = Process.link(p)
    :ok = ask(p, {:trap, true})
    true = Process.exit(p, {:shutdown, "why"})
    [{:exit, sender, {:shutdown, "why"}}] = ask(p, {:events})
    true = sender == self()
    :ok = ask(p, {:exit, %RuntimeError{message: "boom"}})
    {^p, %RuntimeError{message: "boom"}} = down(r1)
    {{:elixirs, ^c}, %RuntimeError{message: "boom"}} = down(r2)

    receive do
      {:EXIT, ^p, %RuntimeError{}} -> :ok
    after
      5_000 -> raise "no EXIT"
    end

    true = Node.disconnect(c)

    receive do
      {:nodedown, ^c} -> :ok
    after
      5_000 -> raise "no nodedown"
    end

    {:messages, []} = Process.info(self(), :messages)
    :ok
  end
end
