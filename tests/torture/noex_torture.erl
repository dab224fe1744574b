%% The BEAM's side of the fault campaign: workers, monitors, links, calls and messages by number, and
%% a log of what came of them. SPDX-License-Identifier: Apache-2.0
-module(noex_torture).
-export([start/0, do/1, take/0, pids/1, watchers/2, gaps/0]).

start() ->
    Parent = self(),
    spawn(fun() ->
                  register(?MODULE, self()),
                  process_flag(trap_exit, true),
                  ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
                  Parent ! started,
                  loop(#{log => [], gaps => 0})
          end),
    receive started -> ok end.

%% Does all of these in their order: each a tuple with a number.
do(Operations) ->
    ?MODULE ! {do, self(), Operations},
    receive {?MODULE, Results} -> Results end.

%% What happened since the last time.
take() ->
    ?MODULE ! {take, self()},
    receive {?MODULE, Log} -> Log end.

gaps() ->
    ?MODULE ! {gaps, self()},
    receive {?MODULE, Gaps} -> Gaps end.

loop(S = #{log := Log}) ->
    receive
        {do, From, Operations} ->
            {Results, New} = lists:mapfoldl(fun operate/2, S, Operations),
            From ! {?MODULE, Results},
            loop(New);
        {take, From} ->
            From ! {?MODULE, lists:reverse(Log)},
            loop(S#{log := []});
        {gaps, From} ->
            From ! {?MODULE, maps:get(gaps, S)},
            loop(S);
        {'DOWN', Ref, process, _, Reason} ->
            {M, Rest} = maps:take({ref, Ref}, S),
            loop(Rest#{log := [{down, M, type(Reason)} | Log]});
        {nodeup, Node, _} ->
            loop(S#{log := [{nodeup, Node} | Log]});
        {nodedown, Node, _} ->
            loop(S#{log := [{nodedown, Node} | Log]});
        {log, Entry} ->
            loop(S#{log := [Entry | Log]});
        gap ->
            loop(S#{gaps := maps:get(gaps, S) + 1});
        {'EXIT', _, _} ->
            loop(S)
    end.

operate({spawn, W}, S) ->
    Pid = spawn(fun() -> process_flag(trap_exit, true), worker(#{}) end),
    true = register(name(W), Pid),
    {{spawned, W}, S#{{worker, W} => Pid}};
operate({'end', W, How}, S) ->
    case S of
        #{{worker, W} := Pid} when How =:= kill -> {exit(Pid, kill), S};
        #{{worker, W} := Pid} -> Pid ! {finish, reason(How)}, {ok, S};
        #{} -> {none, S}
    end;
operate({monitor, M, Target}, S) ->
    Ref = erlang:monitor(process, Target),
    {ok, S#{{ref, Ref} => M, {monitor, M} => Ref}};
operate({demonitor, M}, S) ->
    case maps:take({monitor, M}, S) of
        error -> {late, S};
        {Ref, Rest} ->
            erlang:demonitor(Ref, [flush]),
            case maps:take({ref, Ref}, Rest) of
                error -> {late, Rest};
                {M, Last} -> {gone, Last}
            end
    end;
operate({link, L, Pid}, S) ->
    Server = self(),
    Linker = spawn(fun() -> process_flag(trap_exit, true), linker(Server, L, Pid) end),
    {ok, S#{{link, L} => Linker}};
operate({unlink, L}, S) ->
    case S of
        #{{link, L} := Linker} ->
            Linker ! {unlink, self()},
            {receive {unlinked, L, Was} -> Was end, S};
        #{} -> {late, S}
    end;
operate({call, K, Target}, S) ->
    Server = self(),
    spawn(fun() ->
                  Result = try gen_server:call(Target, {echo, K, 0}, 8000) of
                               {echo, K, 0} -> reply;
                               _ -> wrong
                           catch exit:{Reason, _} -> type(Reason) end,
                  Server ! {log, {call, K, Result}}
          end),
    {ok, S};
operate({stream, Stream, First, Count, Target}, S) ->
    Sender = maps:get(sender, S, none),
    Pid = if Sender =:= none -> spawn(fun sender/0); true -> Sender end,
    Pid ! {Stream, First, Count, Target},
    {ok, S#{sender => Pid}}.

name(W) -> list_to_atom("w" ++ integer_to_list(W)).

sender() ->
    receive
        {Stream, First, Count, Target} ->
            [catch Target ! {stream, Stream, N} || N <- lists:seq(First, First + Count - 1)],
            sender()
    end.

reason(custom) -> {custom, [reason]};
reason(stack) -> {badarith, [{m, f, 1, [{file, "m.erl"}, {line, 7}]}]};
reason(How) -> How.

type(noconnection) -> noconnection;
type(noproc) -> noproc;
type(normal) -> normal;
type(shutdown) -> shutdown;
type(killed) -> killed;
type(timeout) -> timeout;
type({nodedown, _}) -> noconnection;
type(_) -> exception.

%% A worker answers calls and counts the messages of streams; links do not end it.
worker(Streams) ->
    receive
        {finish, Reason} ->
            exit(Reason);
        {'EXIT', _, _} ->
            worker(Streams);
        {'$gen_call', From, Request} ->
            gen_server:reply(From, Request),
            worker(Streams);
        {stream, S, N} ->
            case Streams of
                #{S := Last} when N =< Last -> ?MODULE ! {log, {violated, stream, S, Last, N}};
                #{S := Last} when N > Last + 1 -> ?MODULE ! gap;
                #{} -> ok
            end,
            worker(Streams#{S => N})
    end.

linker(Server, L, Pid) ->
    link(Pid),
    linker(Server, L, Pid, true).

linker(Server, L, Pid, Open) ->
    receive
        {'EXIT', Pid, Reason} when Open ->
            Server ! {log, {exit, L, type(Reason)}},
            linker(Server, L, Pid, false);
        {'EXIT', Pid, _} ->
            Server ! {log, {violated, link, L, exit_after, end_of_link}},
            linker(Server, L, Pid, false);
        {unlink, From} ->
            unlink(Pid),
            Was = receive {'EXIT', Pid, Reason} ->
                          Open andalso (Server ! {log, {exit, L, type(Reason)}}),
                          late
                  after 0 -> unlinked
                  end,
            From ! {unlinked, L, if Open -> Was; true -> late end},
            linker(Server, L, Pid, false)
    end.

%% Id, serial and creation of these workers, as distribution has them; [] where one is gone.
pids(Ws) -> [numbers(whereis(name(W))) || W <- Ws].

numbers(undefined) -> [];
numbers(Pid) ->
    Bytes = term_to_binary(Pid),
    <<Id:32, Serial:32, Creation:32>> = binary:part(Bytes, byte_size(Bytes), -12),
    [Id, Serial, Creation].

%% How many monitors this node has on each of these workers; gone: it is not there.
watchers(Ws, Node) ->
    [case process_info_of(W) of
         undefined -> gone;
         {monitored_by, By} -> length([P || P <- By, is_pid(P), node(P) =:= Node])
     end || W <- Ws].

process_info_of(W) ->
    case whereis(name(W)) of
        undefined -> undefined;
        Pid -> process_info(Pid, monitored_by)
    end.
