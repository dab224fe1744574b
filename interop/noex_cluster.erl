%% Scenarios of several nodes, some of them away for a time; as those of noex_citizen, whose
%% functions on processes these use. SPDX-License-Identifier: Apache-2.0
-module(noex_cluster).

-compile([export_all, nowarn_export_all]).
-import(noex_citizen, [ask/2, answer/2, c/1, new/1, new/2, trapping/1, stop/1, stop/2, events/1,
                       down/1, exit_of/1, links/1, here/1, until/1, cast/2, monitored_by/1,
                       flush/0, storm_batches/2, same/2]).

%% ---- several nodes; Other is one more BEAM

here_on(Node, Trap) -> erpc:call(Node, noex_citizen, here, [Trap]).

%% Sends a signal to the operating system's process of a node.
signal(Node, Name) ->
    Pid = erpc:call(Node, os, getpid, []),
    "" = os:cmd("kill -" ++ Name ++ " " ++ Pid),
    ok.

node_up(C) -> node_up(C, hidden).

node_up(C, Type) ->
    receive {nodeup, C, Info} -> Type = proplists:get_value(node_type, Info), ok
    after 20000 -> error({no_nodeup, C})
    end.

node_down(C) ->
    receive {nodedown, C, _} -> ok after 20000 -> error({no_nodedown, C}) end.

%% A BEAM is killed: C's links and monitors into it end by noconnection, those to others stay.
a_killed_beam(C, Other) ->
    pong = erpc:call(Other, net_adm, ping, [C]),
    W = here_on(Other, false),
    V = here(false),
    P = trapping(C), Q = new(C), R = trapping(C),
    [ok = ask(X, {link, W}) || X <- [P, Q]],
    [ok = ask(X, {link, V}) || X <- [P, R]],
    ask(W, fun() -> link(R), monitor(process, Q), register(w, self()) end),
    ask(c(C), {node_events}),
    [ok = ask(c(C), {monitor, T}) || T <- [W, V, {w, Other}]],
    until(fun() -> length(erpc:call(Other, noex_citizen, monitored_by, [W])) =:= 2 end),
    MQ = monitor(process, Q),
    signal(Other, "KILL"),
    {Q, noconnection} = down(MQ),
    node_down(Other),
    [[{lost, W, noconnection}] = wait_events(X) || X <- [P, R]],
    [{monitor_down, Other, noconnection}, {monitor_down, Other, noconnection}, {down, Other, _}] =
        ask(c(C), {node_events}),
    [] = links(V) -- [P, R],
    exit(V, over),
    [[{exit, V, over}] = wait_events(X) || X <- [P, R]],
    [ok = ask(P, X) || X <- [{send, W, lost}, {exit2, W, lost}, {unlink, W}, {link, W}]],
    [{lost, W, noconnection}] = wait_events(P),
    stop(P), stop(R).

wait_events(P) ->
    case events(P) of
        [] -> timer:sleep(5), wait_events(P);
        Events -> Events
    end.

%% Around a restart of another BEAM: what C sends to processes of before harms nobody.
before_beam_restart(C, Other) ->
    P = trapping(C),
    W = here_on(Other, false),
    ok = ask(P, {link, W}),
    pong = ask(W, fun() -> ask(P, {echo, pong}) end),
    persistent_term:put(old, {P, W, ask(W, fun() -> alias() end)}),
    ok.

after_beam_restart(C, Other) ->
    {P, W, Alias} = persistent_term:get(old),
    [{lost, W, noconnection}] = events(P),
    pong = erpc:call(Other, net_adm, ping, [C]),
    erpc:call(Other, fun() -> [here(false) || _ <- lists:seq(1, 100)] end),
    ok = erpc:call(Other, ?MODULE, watch_nodes, [C]),
    ask(c(C), {node_events}),
    [ok = ask(P, X) || X <- [{send, W, lost}, {send, Alias, lost}, {exit2, W, lost}, {unlink, W},
                             {monitor, W}]],
    ok = ask(P, {link, W}),
    [{exit, W, noproc}] = wait_events(P),
    %% An end that crosses the other side's answer to a link.
    [begin
         Q = new(C),
         cast(Q, {batch, [{link, W}, {exit, boom}]}),
         receive {Ref, ok} when is_reference(Ref) -> ok end
     end || _ <- lists:seq(1, 20)],
    [begin
         Q = trapping(C),
         cast(Q, {batch, [{link, W}, {unlink, W}, {link, W}, {unlink, W}]}),
         receive {Ref, ok} when is_reference(Ref) -> ok end,
         stop(Q)
     end || _ <- lists:seq(1, 20)],
    pong = erpc:call(Other, net_adm, ping, [C]),
    [{monitor_down, Other, noproc}] = ask(c(C), {node_events}),
    ok = erpc:call(Other, ?MODULE, saw, [[]]),
    stop(P).

%% From either side, again and again: all is told, and the same processes are reached again.
disconnects(C) ->
    process_flag(trap_exit, true),
    P = trapping(C), Q = new(C, stays),
    Self = self(),
    [begin
         R = monitor(process, Q),
         true = link(P),
         still = ask(P, {echo, still}),
         case N rem 2 of
             0 -> true = erlang:disconnect_node(C);
             1 -> ok = ask(P, {disconnect, node()}) % the answer makes a connection of its own
         end,
         {Q, noconnection} = down(R),
         noconnection = exit_of(P),
         node_down(C),
         P ! hello, {stays, C} ! hello,
         [{lost, Self, noconnection}, {message, hello}] = events(P),
         [{message, hello}] = events(Q),
         node_up(C)
     end || N <- lists:seq(1, 40)],
    stop(P), stop(Q).

%% The connection goes in the middle of what is big.
cut_off_in_the_middle(C) ->
    P = new(C),
    Big = binary:copy(<<"x">>, 4000000),
    [begin
         [cast(P, {echo, Big}) || _ <- lists:seq(1, 2)],
         timer:sleep(rand:uniform(10) - 1),
         erlang:disconnect_node(C),
         still = ask(P, {echo, still})
     end || _ <- lists:seq(1, 30)],
    flush(),
    stop(P).

%% Both ends want the connection back at the same time; every monitor and link ends once.
flaps_under_traffic(C) ->
    process_flag(trap_exit, true),
    register(flapping, self()),
    Ps = [new(C) || _ <- lists:seq(1, 5)],
    [begin
         Refs = [{P, monitor(process, P)} || P <- Ps],
         [cast(P, {send, {flapping, node()}, poke}) || P <- Ps],
         erlang:disconnect_node(C),
         [cast(P, {send, {flapping, node()}, poke}) || P <- Ps],
         [{P, noconnection} = down(R) || {P, R} <- Refs],
         pong = net_adm:ping(C)
     end || _ <- lists:seq(1, 100)],
    [stop(P) || P <- Ps],
    unregister(flapping),
    flush().

%% Around a restart of C: what was there, and then what has become of it.
before_restart(C) ->
    Keeper = spawn(fun() ->
        process_flag(trap_exit, true),
        ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
        P = new(C, old_one),
        {Alias, _} = ask(P, {alias, []}),
        link(P),
        Ref = monitor(process, P),
        persistent_term:put(old, {P, Alias}),
        {P, noconnection} = down(Ref),
        noconnection = exit_of(P),
        node_down(C), node_up(C),
        receive {From, Tag, report} -> From ! {Tag, ok} end
    end),
    persistent_term:put(keeper, Keeper),
    until(fun() -> persistent_term:get(old, none) =/= none end).

after_restart(C) ->
    process_flag(trap_exit, true),
    {P, Alias} = persistent_term:get(old),
    ok = ask(persistent_term:get(keeper), report),
    Others = [new(C) || _ <- lists:seq(1, 100)],
    false = lists:member(P, Others),
    [] = [{old_one, C} || {_, R} <- [down(monitor(process, {old_one, C}))], R =/= noproc],
    [To ! hello || To <- [P, Alias]],
    exit(P, kill),
    {P, noproc} = down(monitor(process, P)),
    link(P),
    noproc = exit_of(P),
    unlink(P),
    [[] = events(O) || O <- Others],
    [stop(O) || O <- Others],
    ok.

%% Registered by one, seen by all, also after the connection of one of them was gone for a moment:
%% a BEAM that has lost a name takes it again from whoever registers it there.
a_global_name(C, Other) ->
    P = trapping(C),
    yes = global:register_name(a_global_name, P),
    P = erpc:call(Other, global, whereis_name, [a_global_name]),
    P = erpc:call(Other, global, send, [a_global_name, hello]),
    until(fun() -> events(P) =:= [{message, hello}] end),
    no = erpc:call(Other, global, register_name, [a_global_name, P]),
    true = erpc:call(Other, erlang, disconnect_node, [C]),
    until(fun() -> erpc:call(Other, global, whereis_name, [a_global_name]) =:= undefined end),
    P = global:whereis_name(a_global_name),
    pong = erpc:call(Other, net_adm, ping, [C]),
    yes = erpc:call(Other, global, register_name, [a_global_name, P]),
    [P = erpc:call(N, global, whereis_name, [a_global_name]) || N <- [node(), Other]],
    stop(P),
    [until(fun() -> erpc:call(N, global, whereis_name, [a_global_name]) =:= undefined end)
     || N <- [node(), Other]],
    ok.

%% C is a visible node: it holds nobody up.
visible(C, Other) ->
    [begin
         pong = erpc:call(N, net_adm, ping, [C]), % it is not known to global, which would connect
         true = lists:member(C, erpc:call(N, erlang, nodes, [])),
         ok = erpc:call(N, global, sync, [], 20000),
         done = erpc:call(N, fun() -> global:trans({lock, self()}, fun() -> done end) end, 20000),
         true = erpc:call(N, fun() -> global:set_lock({lock, self()}) end, 20000)
     end || N <- [node(), Other]],
    a_global_name(C, Other),
    {[_, {badrpc, notsup}, Other], []} = rpc:multicall([node(), C, Other], erlang, node, [], 20000),
    true = erlang:disconnect_node(C),
    node_down(C),
    ok = erpc:call(node(), global, sync, [], 20000),
    pong = net_adm:ping(C),
    node_up(C, visible),
    ok = erpc:call(node(), global, sync, [], 20000),
    true = lists:member(Other, nodes()).

%% C is a hidden one: it is in nobody's way either.
hidden(C, Other) ->
    [begin
         false = lists:member(C, erpc:call(N, erlang, nodes, [])),
         ok = erpc:call(N, global, sync, [], 20000),
         done = erpc:call(N, fun() -> global:trans({lock, self()}, fun() -> done end) end, 20000)
     end || N <- [node(), Other]],
    a_global_name(C, Other).

%% What observer, a shell or a supervisor may ask of any node: an answer at once, and no harm.
strangers(C) ->
    Calls = [fun() -> rpc:call(C, erlang, system_info, [otp_release], 5000) end,
             fun() -> rpc:call(C, observer_backend, sys_info, [], 20000) end,
             fun() -> erpc:call(C, erlang, memory, [], 20000) end,
             fun() -> supervisor:which_children({kernel_sup, C}) end,
             fun() -> gen_server:call({net_kernel, C}, {is_auth, 'x@y'}, 1000) end,
             fun() -> gen_event:call({error_logger, C}, h, x) end,
             fun() -> gen_server:call({application_controller, C}, info, 1000) end,
             fun() -> gen_server:call({rex, C}, {call, m, f, [], self()}, 1000) end,
             fun() -> spawn(C, erlang, node, []) end,
             fun() -> spawn_link(C, erlang, node, []), receive {'EXIT', _, R} -> R end end,
             fun() -> {_, Ref} = spawn_monitor(C, erlang, node, []), down(Ref) end,
             fun() -> code:ensure_loaded(?MODULE), rpc:multicall([C], code, purge, [x], 5000) end,
             fun() -> rpc:cast(C, erlang, halt, []) end,
             fun() -> net_kernel:connect_node(C) end,
             fun() -> {shell, C} ! {io_request, self(), make_ref(), getopts} end,
             fun() -> logger_server:module_info(), {logger, C} ! {log, error, "x", [], #{}} end,
             fun() -> net_kernel:allow([]) end,
             fun() -> erpc:multicast([C], erlang, node, []) end,
             fun() -> pg:start_link(a_scope), pg:join(a_scope, group, self()) end,
             fun() -> process_flag(trap_exit, true), group_leader(self(), new(C)) end],
    Answers = [begin
                   Began = erlang:monotonic_time(millisecond),
                   {_, Ref} = spawn_monitor(fun() -> exit({value, catch Call()}) end),
                   receive {'DOWN', Ref, _, _, _} -> ok after 10000 -> error({hangs, Call}) end,
                   erlang:monotonic_time(millisecond) - Began
               end || Call <- Calls],
    pong = ask(c(C), {echo, pong}),
    lists:max(Answers).

%% ---- two nodes of C, which see no BEAM between them

%% What a BEAM sees of one is what they see of each other.
two_c_nodes(C, D) ->
    P = trapping(C), Q = new(D, on_d),
    ok = ask(P, {send, Q, by_pid}),
    ok = ask(P, {send, {on_d, D}, {by_name, terms}}),
    ok = ask(P, {send, {nobody, D}, lost}),
    until(fun() -> so_far(q, events(Q)) =:= [{message, by_pid}, {message, {by_name, terms}}] end),
    {reply, hello} = ask(P, {call, Q, {echo, hello}, 5000}),
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, {nobody, D}, hello, 5000}),
    ask(c(C), {node_events}),
    [ok = ask(P, {monitor, T}) || T <- [Q, {on_d, D}, {nobody, D}]],
    ok = ask(P, {link, Q}),
    ok = ask(P, {exit2, Q, normal}),
    ok = ask(P, {exit2, Q, shutdown}),
    [{exit, Q, shutdown}] = wait_events(P),
    until(fun() -> length(so_far(c, ask(c(C), {node_events}))) >= 3 end),
    [{monitor_down, D, noproc}, {monitor_down, D, shutdown}, {monitor_down, D, shutdown}] = get(c),
    ok = ask(P, {link, Q}),
    [{exit, Q, noproc}] = wait_events(P),
    stop(P).

%% Storms of links between them; after each the connection is cut, and both tell the same.
storm_of_c_nodes(C, D, Seed, Rounds) ->
    rand:seed(exsss, Seed),
    [c_storm(C, D) || _ <- lists:seq(1, Rounds)],
    ok.

c_storm(C, D) ->
    Ps = [trapping(C) || _ <- lists:seq(1, 10)],
    Qs = [trapping(D) || _ <- lists:seq(1, 10)],
    Refs = [storm_batches(Ps, Qs) ++ storm_batches(Qs, Ps) || _ <- lists:seq(1, 9)],
    [ok = answer(X, Ref) || {X, Ref} <- lists:append(Refs)],
    c_still(Ps, Qs), c_still(Qs, Ps),
    c_still(Ps, Qs), c_still(Qs, Ps),
    [ask(c(N), {node_events}) || N <- [C, D]],
    ok = ask(hd(Ps), {disconnect, D}),
    [until(fun() -> [1 || {down, _, _} <- ask(c(N), {node_events})] =:= [1] end) || N <- [C, D]],
    same(lists:sort([{P, Q} || Q <- Qs, {lost, P, noconnection} <- events(Q)]),
         [{P, Q} || P <- Ps, {lost, Q, noconnection} <- events(P)]),
    [stop(X) || X <- Ps ++ Qs].

%% All that the first ones sent the others has arrived.
c_still(From, To) ->
    [ok = ask(P, {send, Q, {still, P}}) || P <- From, Q <- To],
    [until(fun() -> [] =:= From -- [P || {message, {still, P}} <- so_far(Q, events(Q))] end)
     || Q <- To],
    [erase(Q) || Q <- To].

%% ---- who comes and goes, watched from one call to another

watch_nodes(C) ->
    pong = net_adm:ping(C),
    Self = self(),
    catch exit(whereis(node_watcher), kill),
    until(fun() -> whereis(node_watcher) =:= undefined end),
    register(node_watcher, spawn(fun() ->
        ok = net_kernel:monitor_nodes(true, [{node_type, all}, nodedown_reason]),
        Self ! watching,
        watched([])
    end)),
    receive watching -> ok end.

watched(Seen) ->
    receive
        {What, Node, Info} -> watched([{What, Node, proplists:get_value(node_type, Info)} | Seen]);
        {From, seen} -> From ! {seen, lists:reverse(Seen)}, watched(Seen)
    end.

%% Waits until exactly this was seen.
saw(Expected) ->
    until(fun() -> node_watcher ! {self(), seen}, receive {seen, S} -> S =:= Expected end end).

%% ---- somebody is away

%% The node of C sleeps: all that happened meanwhile is told afterwards.
busy(C) ->
    P = new(C), Q = trapping(C),
    Ws = [here(false) || _ <- lists:seq(1, 100)],
    [ok = ask(Q, {link, W}) || W <- Ws],
    Ref = cast(P, {busy, 500}),
    R1 = monitor(process, P), R2 = monitor(process, {nobody, C}),
    [exit(W, N) || {W, N} <- lists:zip(Ws, lists:seq(1, 100))],
    ok = answer(P, Ref),
    {{nobody, C}, noproc} = down(R2),
    [] = [{exit, W, N} || {W, N} <- lists:zip(Ws, lists:seq(1, 100))] -- events(Q),
    stop(P), stop(Q),
    {P, normal} = down(R1).

%% Another BEAM is frozen: nobody else notices, and it misses nothing.
frozen(C, Other) ->
    P = new(C), Q = trapping(C),
    Watchers = erpc:call(Other, ?MODULE, watchers_of, [P, 1000]),
    W = here_on(Other, true),
    ok = ask(Q, {link, W}),
    OsPid = erpc:call(Other, os, getpid, []),
    "" = os:cmd("kill -STOP " ++ OsPid),
    Rounds = goes_on(C, 1500),
    stop(P, {seen, by, all}),
    stop(Q, boom),
    _ = goes_on(C, 500),
    "" = os:cmd("kill -CONT " ++ OsPid),
    [{seen, by, all} = ask(X, reason) || X <- Watchers],
    [{'EXIT', Q, boom}] = ask(W, got),
    Rounds.

%% Processes come, are watched, and go, for some time: how many.
goes_on(C, Ms) -> goes_on(C, erlang:monotonic_time(millisecond) + Ms, 0).

goes_on(C, Until, N) ->
    Began = erlang:monotonic_time(millisecond),
    X = new(C),
    R = monitor(process, X),
    stop(X, N),
    {X, N} = down(R),
    Now = erlang:monotonic_time(millisecond),
    true = Now - Began < 5000,
    case Now < Until of
        true -> goes_on(C, Until, N + 1);
        false -> N
    end.

%% Processes that watch P and keep the reason that they were told.
watchers_of(P, Count) ->
    Self = self(),
    Pids = [spawn(fun() ->
                Ref = monitor(process, P),
                here = ask(P, {echo, here}),
                Self ! {watching, self()},
                {P, Reason} = down(Ref),
                receive {From, Tag, reason} -> From ! {Tag, Reason} end
            end) || _ <- lists:seq(1, Count)],
    [receive {watching, Pid} -> Pid end || Pid <- Pids].

%% Another BEAM does not read, and C sends to it more than may wait: those sends fail, all others
%% arrive, in order.
unread(C, Other) ->
    P = new(C), Q = new(C),
    Sink = here_on(Other, true),
    Watchers = erpc:call(Other, ?MODULE, watchers_of, [Q, 100]),
    ask(c(C), {node_events}),
    OsPid = erpc:call(Other, os, getpid, []),
    "" = os:cmd("kill -STOP " ++ OsPid),
    Results = [{N, ask(P, {send, Sink, {N, binary:copy(<<N>>, 1000000)}})}
               || N <- lists:seq(1, 40)],
    Sent = [N || {N, ok} <- Results],
    true = length(Sent) > 5,
    [_ | _] = [N || {N, 'NOEX_EUNREAD'} <- Results],
    stop(Q, behind_it_all),
    _ = goes_on(C, 1000),
    "" = os:cmd("kill -CONT " ++ OsPid),
    [behind_it_all = ask(X, reason) || X <- Watchers],
    %% Nothing was lost of the connection either.
    ok = ask(P, {send, Sink, last}),
    until(fun() -> lists:member(last, ask(Sink, peek)) end),
    Sent = [N || {N, _} <- ask(Sink, got)],
    [] = [E || {down, _, _} = E <- ask(c(C), {node_events})],
    stop(P).

%% C is frozen for longer than this BEAM has patience; its processes live on, and both know.
frozen_c(C, OsPid) ->
    process_flag(trap_exit, true),
    P = trapping(C), W = here(false),
    true = link(P),
    ok = ask(P, {link, W}),
    R = monitor(process, P),
    Pid = integer_to_list(OsPid),
    "" = os:cmd("kill -STOP " ++ Pid),
    {P, noconnection} = down(R),
    noconnection = exit_of(P),
    node_down(C),
    until(fun() -> not is_process_alive(W) end),
    P ! hello,
    "" = os:cmd("kill -CONT " ++ Pid),
    Self = self(),
    until(fun() -> length(so_far(P, events(P))) =:= 3 end),
    [] = get(P) -- [{lost, W, noconnection}, {lost, Self, noconnection}, {message, hello}],
    node_up(C),
    stop(P).

%% The program on C pulls no event for ten seconds; all else goes on, and then all are there.
undrained(C) ->
    P = new(C), Q = new(C), R = new(C),
    Ws = [here(false) || _ <- lists:seq(1, 2000)],
    [ok = ask(P, {monitor, W}) || W <- Ws],
    until(fun() -> lists:all(fun(W) -> monitored_by(W) =/= [] end, Ws) end),
    MQ = monitor(process, Q),
    ask(P, {node_events}),
    ok = ask(P, {undrained, 60000}),
    Began = erlang:monotonic_time(millisecond),
    [exit(W, kill) || W <- Ws],
    Bigs = [binary:copy(<<N>>, 1000000) || N <- lists:seq(1, 20)],
    [Big = ask(R, {echo, Big}) || Big <- Bigs],
    exit(Q, kill),
    {Q, killed} = down(MQ),
    pong = net_adm:ping(C),
    {_, noproc} = down(monitor(process, {nobody, C})),
    _ = goes_on(C, 10000 - (erlang:monotonic_time(millisecond) - Began)),
    [] = ask(P, {node_events}),
    ok = ask(P, {undrained, 0}),
    until(fun() -> length(so_far(C, ask(P, {node_events}))) >= 2000 end),
    [] = get(C) -- [{monitor_down, node(), killed} || _ <- Ws],
    stop(P), stop(R).

%% ---- a mesh of BEAMs of several releases, all with C

everywhere(Nodes, Fun) -> [{N, erpc:call(N, Fun, 30000)} || N <- [node() | Nodes]].

join(Nodes) ->
    [pong = net_adm:ping(N) || N <- Nodes],
    ok = global:sync().

mesh_name(C, N1, N2) ->
    P = trapping(C),
    yes = erpc:call(N1, global, register_name, [meshed, P]),
    Seen = fun() -> global:whereis_name(meshed) end,
    Same = [{N, P} || N <- [node(), N1, N2]],
    Same = everywhere([N1, N2], Seen),
    true = erpc:call(N2, erlang, disconnect_node, [C]),
    until(fun() -> erpc:call(N2, Seen) =:= undefined end),
    pong = erpc:call(N2, net_adm, ping, [C]),
    yes = erpc:call(N2, global, register_name, [meshed, P]),
    Same = everywhere([N1, N2], Seen),
    [_ = erpc:call(N, global, send, [meshed, {from, N}]) || N <- [node(), N1, N2]],
    until(fun() -> length(lists:usort(so_far(P, events(P)))) =:= 3 end),
    stop(P),
    until(fun() -> lists:all(fun({_, X}) -> X =:= undefined end, everywhere([N1, N2], Seen)) end).

%% All that was added to what is kept under Key since the scenario began.
so_far(Key, Events) ->
    put(Key, (case get(Key) of undefined -> []; Before -> Before end) ++ Events),
    get(Key).

%% A message with pids and references of all nodes goes round by way of C.
mesh_terms(C, N1, N2) ->
    P = new(C),
    Pids = [here_on(N, false) || N <- [node(), N1, N2]],
    Terms = [P, Pids, [erpc:call(N, erlang, make_ref, []) || N <- [node(), N1, N2]]],
    Terms = ask(P, {echo, Terms}),
    [begin
         ok = ask(P, {send, W, {terms, Terms}}),
         until(fun() -> ask(W, got) =:= [{terms, Terms}] end),
         Terms = ask(W, fun() -> ask(P, {echo, Terms}) end)
     end || W <- Pids],
    %% Each linked to the next one by way of C, all end as one.
    Qs = [new(C) || _ <- Pids],
    [ok = ask(Q, {link, W}) || {Q, W} <- lists:zip(Qs, Pids)],
    [true = ask(W, fun() -> link(Q) end) || {Q, W} <- lists:zip(Qs, tl(Pids) ++ [hd(Pids)])],
    Refs = [{X, monitor(process, X)} || X <- Pids ++ Qs],
    %% Over TLS what is sent to different processes comes in any order: the monitors come first.
    [ok = ask(W, fun() -> ok end) || W <- Pids],
    [there = ask(Q, {echo, there}) || Q <- Qs],
    stop(hd(Qs), {round, Pids}),
    [{X, {round, Pids}} = down(R) || {X, R} <- Refs],
    stop(P).

%% Storms from all three at once.
mesh_storm(C, N1, N2) ->
    Calls = [erpc:send_request(N, noex_citizen, run, [link_storm, C, [Seed, 6, 5]])
             || {N, Seed} <- [{node(), 1}, {N1, 2}, {N2, 3}]],
    [ok = erpc:receive_response(Call, 40000) || Call <- Calls],
    node_down(C),
    flush().
