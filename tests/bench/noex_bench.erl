%% What the benchmark runs on BEAMs: the node whose processes are watched, and the watchers.
%% SPDX-License-Identifier: Apache-2.0
-module(noex_bench).
-export([start/2, finish/1, stop/0]).
-export([connect/1, load/2, watch/0, downs/0, unwatch/0, latency/2, memory/0]).
-export([watched/0, server/1, watcher/2]).

%% ---- the watched ----

%% N processes; their pids go to File as a term, and to File.raw as id, serial and creation.
start(N, File) ->
    stop(),
    Options = [{min_heap_size, 8}, {fullsweep_after, 65535}],
    Pids = [spawn_opt(?MODULE, watched, [], Options) || _ <- lists:seq(1, N)],
    ok = file:write_file(File, term_to_binary(Pids)),
    ok = file:write_file(File ++ ".raw", [numbers(P) || P <- Pids]),
    register(?MODULE, spawn(?MODULE, server, [Pids])),
    ok.

numbers(Pid) ->
    <<131, 88, Rest/binary>> = term_to_binary(Pid),
    binary:part(Rest, byte_size(Rest) - 12, 12).

server(Pids) ->
    receive
        {finish, From, Reason} ->
            [exit(P, Reason) || P <- Pids],
            From ! {?MODULE, done},
            server([]);
        {stop, From} ->
            [exit(P, kill) || P <- Pids],
            From ! {?MODULE, done}
    end.

watched() ->
    receive die -> exit(normal) end.

%% Ends all of them. A stack is one of an Elixir GenServer whose callback failed.
finish(kill) -> call({finish, self(), kill});
finish(stack) -> call({finish, self(), {badarith, stack()}}).

stack() ->
    [{'Elixir.Shop.Billing', charge, 2, [{file, "lib/shop/billing.ex"}, {line, 87}]},
     {'Elixir.Shop.Billing', handle_call, 3, [{file, "lib/shop/billing.ex"}, {line, 41}]},
     {gen_server, try_handle_call, 4, [{file, "gen_server.erl"}, {line, 1149}]},
     {gen_server, handle_msg, 6, [{file, "gen_server.erl"}, {line, 1178}]},
     {proc_lib, init_p_do_apply, 3, [{file, "proc_lib.erl"}, {line, 240}]}].

stop() ->
    case whereis(?MODULE) of
        undefined -> ok;
        _ -> call({stop, self()})
    end.

call(Request) ->
    Server = whereis(?MODULE),
    Server ! Request,
    receive {?MODULE, done} -> ok end.

%% ---- the watchers ----

%% Deals the processes of File out to so many watchers.
load(File, Watchers) ->
    [exit(W, kill) || W <- watchers()],
    {ok, Bytes} = file:read_file(File),
    Pids = binary_to_term(Bytes),
    Share = (length(Pids) + Watchers - 1) div Watchers,
    New = [spawn(?MODULE, watcher, [Own, nodes_of(Own)]) || Own <- shares(Pids, Share)],
    persistent_term:put(?MODULE, New),
    ok.

nodes_of(Pids) -> lists:usort([node(P) || P <- Pids]).

shares([], _) -> [];
shares(Pids, Share) when length(Pids) =< Share -> [Pids];
shares(Pids, Share) ->
    {Own, Rest} = lists:split(Share, Pids),
    [Own | shares(Rest, Share)].

watchers() -> persistent_term:get(?MODULE, []).

now_us() -> os:perf_counter(microsecond).

%% What each watcher answers to a word.
ask(Word) ->
    Watchers = watchers(),
    [W ! {Word, self()} || W <- Watchers],
    [receive {W, Answer} -> Answer end || W <- Watchers].

%% Monitors all that was loaded until the other nodes have confirmed them: the time in microseconds.
watch() -> timed(watch).

%% Takes all monitors back; the same.
unwatch() -> timed(unwatch).

timed(Word) ->
    T = now_us(),
    ask(Word),
    now_us() - T.

%% Waits until all DOWNs have come: from the first to the last, in microseconds.
downs() ->
    {First, Last} = lists:unzip(ask(downs)),
    lists:max(Last) - lists:min(First).

watcher(Pids, Nodes) ->
    receive
        {watch, From} ->
            Refs = [erlang:monitor(process, P) || P <- Pids],
            confirm(Nodes),
            From ! {self(), watched},
            count(Refs, Nodes, length(Refs)),
            watcher(Pids, Nodes)
    end.

%% What was sent to a node before is handled when this comes back.
confirm(Nodes) ->
    Refs = [erlang:monitor(process, {undefined, Node}) || Node <- Nodes],
    [receive {'DOWN', Ref, _, _, _} -> ok end || Ref <- Refs].

count(Refs, Nodes, N) ->
    receive
        {'DOWN', _, _, _, _} ->
            First = now_us(),
            count_more(N - 1),
            Last = now_us(),
            receive {downs, From} -> From ! {self(), {First, Last}} end;
        {unwatch, From} ->
            [erlang:demonitor(R) || R <- Refs],
            confirm(Nodes),
            From ! {self(), unwatched}
    end.

count_more(0) -> ok;
count_more(N) -> receive {'DOWN', _, _, _, _} -> count_more(N - 1) end.

%% Connects to these nodes, one after another, as a program that monitors does: in microseconds.
connect(Nodes) ->
    T = now_us(),
    [true = net_kernel:connect_node(N) || N <- Nodes],
    now_us() - T.

%% One process after another is told to end: from the message to its DOWN, in microseconds, sorted.
%% Pause: milliseconds between two.
latency(File, Pause) ->
    {ok, Bytes} = file:read_file(File),
    Pids = binary_to_term(Bytes),
    [erlang:monitor(process, P) || P <- Pids],
    confirm(nodes_of(Pids)),
    lists:sort([one(P, Pause) || P <- Pids]).

one(Pid, Pause) ->
    timer:sleep(Pause),
    T = os:perf_counter(nanosecond),
    Pid ! die,
    receive {'DOWN', _, _, Pid, _} -> (os:perf_counter(nanosecond) - T) / 1000 end.

memory() ->
    [erlang:garbage_collect(P) || P <- processes()],
    erlang:memory(total).
