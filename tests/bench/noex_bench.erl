%% What the benchmark runs on BEAMs: the node whose processes are watched, and a watcher.
%% SPDX-License-Identifier: Apache-2.0
-module(noex_bench).
-export([start/2, finish/1, stop/0, load/1, watch/0, downs/0, unwatch/0, latency/2, memory/0]).
-export([watched/0, server/1]).

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

%% ---- the watcher ----

load(File) ->
    {ok, Bytes} = file:read_file(File),
    watcher() ! {load, binary_to_term(Bytes)},
    ok.

%% Monitors all that was loaded until the other node has confirmed them: the time in microseconds.
watch() ->
    watcher() ! {watch, self()},
    receive {?MODULE, watched, Us} -> Us end.

watcher() ->
    case whereis(noex_watcher) of
        undefined ->
            Pid = spawn(fun() -> watching([], []) end),
            register(noex_watcher, Pid),
            Pid;
        Pid -> Pid
    end.

now_us() -> os:perf_counter(microsecond).

watching(Pids, Refs) ->
    receive
        {load, New} ->
            watching(New, Refs);
        {watch, From} ->
            T = now_us(),
            New = [erlang:monitor(process, P) || P <- Pids],
            confirm(node(hd(Pids))),
            From ! {?MODULE, watched, now_us() - T},
            count(length(New)),
            watching(Pids, New);
        {unwatch, From} ->
            T = now_us(),
            [erlang:demonitor(R) || R <- Refs],
            confirm(node(hd(Pids))),
            From ! {?MODULE, unwatched, now_us() - T},
            watching([], []);
        {downs, From} ->
            {First, Last} = get(times),
            From ! {?MODULE, First, Last},
            watching(Pids, Refs)
    end.

%% What was sent to the node before is handled when this comes back.
confirm(Node) ->
    Ref = erlang:monitor(process, {undefined, Node}),
    receive {'DOWN', Ref, _, _, _} -> ok end.

count(N) ->
    receive
        {'DOWN', _, _, _, _} ->
            First = now_us(),
            count_more(N - 1),
            put(times, {First, now_us()});
        {unwatch, _} = U ->
            self() ! U
    end.

count_more(0) -> ok;
count_more(N) -> receive {'DOWN', _, _, _, _} -> count_more(N - 1) end.

%% Waits until all have come: from the first to the last, in microseconds.
downs() ->
    noex_watcher ! {downs, self()},
    receive {?MODULE, First, Last} -> Last - First end.

unwatch() ->
    noex_watcher ! {unwatch, self()},
    receive {?MODULE, unwatched, Us} -> Us end.

memory() ->
    [erlang:garbage_collect(P) || P <- processes()],
    erlang:memory(total).

%% One process after another is told to end: from the message to its DOWN, in microseconds, sorted.
%% Pause: milliseconds between two.
latency(File, Pause) ->
    {ok, Bytes} = file:read_file(File),
    Pids = binary_to_term(Bytes),
    [erlang:monitor(process, P) || P <- Pids],
    confirm(node(hd(Pids))),
    lists:sort([one(P, Pause) || P <- Pids]).

one(Pid, Pause) ->
    timer:sleep(Pause),
    T = os:perf_counter(nanosecond),
    Pid ! die,
    receive {'DOWN', _, _, Pid, _} -> (os:perf_counter(nanosecond) - T) / 1000 end.
