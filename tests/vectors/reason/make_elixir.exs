# Ends real Elixir processes in every way that has a reason of its own; writes what make_otp.escript
# writes, in the same form. The third column is empty where Erlang's text is not to be compared.
#
#   elixir make_elixir.exs > elixir114.tsv
#
# SPDX-License-Identifier: Apache-2.0
defmodule Plain do
  defexception [:code]
  def message(e), do: "code #{e.code}"
end

defmodule Deep.Custom.Error do
  defexception message: "custom message", meta: %{}
end

defmodule Charlist do
  defexception message: 'not a binary'
end

defmodule Many do
  # More than 32 keys: not in the order of the keys on the wire.
  defexception [message: "the last of many"] ++ for(n <- 1..40, do: {:"field_#{n}", n})
end

defmodule Point do
  defstruct x: 1, y: 2
end

defmodule Server do
  use GenServer
  def start_link(state), do: GenServer.start_link(__MODULE__, state)
  def init(state), do: {:ok, state}
  def handle_call(:forever, _from, state), do: {:noreply, state}
  def handle_call({:do, fun}, _from, state), do: {:reply, fun.(), state}
  def handle_call({:return, what}, _from, _state), do: what
  def handle_cast({:do, fun}, state), do: {:noreply, fun.(), state}
  def only(1), do: :ok
  def id(x), do: x
end

defmodule Reasons do
  def down(fun) do
    {pid, ref} = spawn_monitor(fun)
    reason(pid, ref)
  end

  def reason(pid, ref) do
    receive do
      {:DOWN, ^ref, :process, ^pid, reason} -> reason
    after
      10_000 -> exit({:no_down, pid})
    end
  end

  def server do
    {:ok, pid} = GenServer.start(Server, :state)
    pid
  end

  def server_down(fun) do
    pid = server()
    ref = Process.monitor(pid)
    GenServer.cast(pid, {:do, fun})
    reason(pid, ref)
  end

  def caller_down(fun) do
    pid = server()
    down(fn -> GenServer.call(pid, {:do, fun}) end)
  end

  # A map of more than 32 keys is printed in another order than it is encoded.
  @without_text [:raise_of_many_fields]

  def line(name, fun) do
    reason = fun.()
    <<131, term::binary>> = :erlang.term_to_binary(reason)
    text = if name in @without_text, do: "", else: :io_lib.format("~0tp", [reason])
    IO.puts("elixir_#{name}\t#{Base.encode16(term, case: :lower)}\t#{text}")
  end

  def cases do
    [
      raise_text: fn -> down(fn -> raise "boom" end) end,
      raise_two_lines: fn -> down(fn -> raise "first\nsecond\tx\e[0m\u2028\u202E" end) end,
      raise_unicode: fn -> down(fn -> raise "naïve при 🙂" end) end,
      raise_empty: fn -> down(fn -> raise "" end) end,
      raise_no_utf8: fn -> down(fn -> raise RuntimeError, message: <<"caf", 233, " ok", 195>> end) end,
      raise_argument_error: fn -> down(fn -> raise ArgumentError, "the message" end) end,
      raise_argument_error_default: fn -> down(fn -> raise ArgumentError end) end,
      raise_arithmetic_error: fn -> down(fn -> raise ArithmeticError end) end,
      raise_key_error: fn -> down(fn -> raise KeyError, key: :b, term: %{a: 1} end) end,
      raise_key_error_message: fn -> down(fn -> raise KeyError, message: "no b" end) end,
      raise_custom_without_message: fn -> down(fn -> raise Plain, code: 7 end) end,
      raise_custom_message: fn -> down(fn -> raise Deep.Custom.Error end) end,
      raise_charlist_message: fn -> down(fn -> raise Charlist end) end,
      raise_of_many_fields: fn -> down(fn -> raise Many end) end,
      raise_function_clause_error: fn -> down(fn -> raise FunctionClauseError, module: M, function: :f, arity: 1 end) end,
      raise_enum_empty: fn -> down(fn -> Enum.max(Server.id([])) end) end,
      raise_file_error: fn -> down(fn -> File.read!("/no/such file") end) end,
      raise_match_error: fn -> down(fn -> raise MatchError, term: :x end) end,
      reraise: fn ->
        down(fn ->
          try do
            raise "once"
          rescue
            e -> reraise e, __STACKTRACE__
          end
        end)
      end,
      divided_by_zero: fn -> down(fn -> div(1, Server.id(0)) end) end,
      no_match: fn -> down(fn -> {:ok, _} = Server.id(:error) end) end,
      no_case: fn -> down(fn -> case(Server.id(3), do: (4 -> :ok)) end) end,
      no_cond: fn -> down(fn -> cond(do: (Server.id(nil) -> :ok)) end) end,
      no_with: fn -> down(fn -> with({:ok, x} <- Server.id(:no), do: x, else: (:nothing -> 1)) end) end,
      no_function_clause: fn -> down(fn -> Server.only(Server.id(2)) end) end,
      no_function: fn -> down(fn -> apply(NoSuch.Module, :run, [1]) end) end,
      map_fetch: fn -> down(fn -> Map.fetch!(%{a: 1}, Server.id(:b)) end) end,
      map_dot: fn -> down(fn -> Server.id(%{a: 1}).b end) end,
      map_update: fn -> down(fn -> %{Server.id(%{a: 1}) | b: 2} end) end,
      bad_struct: fn -> down(fn -> %Point{Server.id(%{}) | x: 2} end) end,
      bad_boolean: fn -> down(fn -> Server.id(1) and true end) end,
      bad_function: fn -> down(fn -> Server.id(:f).() end) end,
      bad_atom: fn -> down(fn -> String.to_existing_atom("no such atom yet, I hope") end) end,
      keyword_fetch: fn -> down(fn -> Keyword.fetch!([a: 1], :b) end) end,
      throw: fn -> down(fn -> throw(:oops) end) end,
      exit_normal: fn -> down(fn -> exit(:normal) end) end,
      exit_shutdown_term: fn -> down(fn -> exit({:shutdown, "late"}) end) end,
      exit_custom: fn -> down(fn -> exit(:custom) end) end,
      exit_text: fn -> down(fn -> exit("some text") end) end,
      exit_exception: fn -> down(fn -> exit(%RuntimeError{message: "as a value"}) end) end,
      exit_exception_without_message: fn -> down(fn -> exit(%Plain{code: 3}) end) end,
      exit_exception_pair: fn -> down(fn -> exit({%RuntimeError{message: "with a value"}, :value}) end) end,
      exit_exception_empty_stack: fn -> down(fn -> exit({%RuntimeError{message: "no stack"}, []}) end) end,
      exit_struct: fn -> down(fn -> exit(%Point{}) end) end,
      exit_elixir_module: fn -> down(fn -> exit(Deep.Custom) end) end,
      server_call_timeout: fn -> pid = server(); down(fn -> GenServer.call(pid, :forever, 20) end) end,
      server_call_noproc: fn -> down(fn -> GenServer.call(NoSuchServer, :hello) end) end,
      server_call_no_node: fn -> down(fn -> GenServer.call({Server, :nobody@nowhere}, :hello) end) end,
      server_call_no_via: fn -> down(fn -> GenServer.call({:global, :no_one}, :hello) end) end,
      server_stop_noproc: fn -> down(fn -> GenServer.stop(NoSuchServer) end) end,
      server_raised: fn -> server_down(fn -> raise ArgumentError, "in a server" end) end,
      server_threw: fn -> server_down(fn -> throw(:oops) end) end,
      server_exited: fn -> server_down(fn -> exit({:shutdown, :done}) end) end,
      server_fetched: fn -> server_down(fn -> Map.fetch!(%{}, Server.id(:k)) end) end,
      server_stopped_with_exception: fn ->
        pid = server()
        ref = Process.monitor(pid)
        catch_exit(fn -> GenServer.call(pid, {:return, {:stop, %RuntimeError{message: "given"}, :state}}) end)
        reason(pid, ref)
      end,
      callee_raised: fn -> caller_down(fn -> raise "in the callee" end) end,
      callee_raised_without_message: fn -> caller_down(fn -> raise Plain, code: 9 end) end,
      callee_stopped: fn -> pid = server(); down(fn -> GenServer.call(pid, {:return, {:stop, :shutdown, :state}}) end) end,
      callee_killed: fn -> caller_down(fn -> Process.exit(self(), :kill) end) end,
      callee_timeout: fn -> pid = server(); caller_down(fn -> GenServer.call(pid, :forever, 20) end) end,
      task_await_timeout: fn ->
        down(fn -> Task.await(Task.async(fn -> Process.sleep(:infinity) end), 20) end)
      end,
      task_await_many_timeout: fn ->
        down(fn -> Task.await_many([Task.async(fn -> Process.sleep(:infinity) end)], 20) end)
      end,
      task_raised: fn -> down(fn -> Task.await(Task.async(fn -> raise "in a task" end)) end) end,
      task_raised_no_link: fn ->
        {:ok, sup} = Task.Supervisor.start_link()
        down(fn -> Task.await(Task.Supervisor.async_nolink(sup, fn -> raise "in a task" end)) end)
      end,
      task_exited_no_link: fn ->
        {:ok, sup} = Task.Supervisor.start_link()
        down(fn -> Task.await(Task.Supervisor.async_nolink(sup, fn -> exit(:bye) end)) end)
      end,
      task_itself_raised: fn ->
        {:ok, pid} = Task.start(fn -> Process.sleep(50); raise ArgumentError, "alone" end)
        reason(pid, Process.monitor(pid))
      end,
      task_itself_threw: fn ->
        {:ok, pid} = Task.start(fn -> Process.sleep(50); throw(:ball) end)
        reason(pid, Process.monitor(pid))
      end,
      agent_timeout: fn ->
        {:ok, agent} = Agent.start(fn -> 1 end)
        down(fn -> Agent.get(agent, fn _ -> Process.sleep(500) end, 20) end)
      end,
      agent_raised: fn ->
        {:ok, agent} = Agent.start(fn -> 1 end)
        down(fn -> Agent.get(agent, fn _ -> raise "in an agent" end) end)
      end,
      supervisor_stopped: fn ->
        {:ok, sup} = Supervisor.start_link([{Server, 1}], strategy: :one_for_one)
        [{_, pid, _, _}] = Supervisor.which_children(sup)
        ref = Process.monitor(pid)
        Supervisor.stop(sup)
        reason(pid, ref)
      end,
      registry_no_server: fn ->
        {:ok, _} = Registry.start_link(keys: :unique, name: Names)
        down(fn -> GenServer.call({:via, Registry, {Names, "k"}}, :hello) end)
      end,
      erpc_raised: fn -> down(fn -> :erpc.call(node(), fn -> raise "there" end) end) end
    ]
  end

  def catch_exit(fun) do
    fun.()
  catch
    :exit, _ -> :ok
  end
end


Logger.configure(level: :none)
:logger.set_primary_config(:level, :none)
:io.setopts(encoding: :unicode)
Process.flag(:trap_exit, true)
for {name, fun} <- Reasons.cases(), do: Reasons.line(name, fun)
