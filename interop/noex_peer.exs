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
