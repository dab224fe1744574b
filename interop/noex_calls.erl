%% Calls, casts, sys, spawns and remote calls between a BEAM and programs/citizen.c, both ways; run by
%% noex_citizen:run/3. SPDX-License-Identifier: Apache-2.0
-module(noex_calls).

-compile([export_all, nowarn_export_all]).
-import(noex_citizen, [ask/2, c/1, new/1, new/2, stop/1, events/1, down/1, silence/1]).

-define(raises(Class, Pattern, Expr),
        (fun() -> try Expr of V -> error({no_exception, V}) catch Class:Pattern -> ok end end)()).

%% ---- calls of C processes

called_by_every_behaviour(C) ->
    P = new(C, served),
    [T = gen_server:call(To, {echo, T}) || T <- terms(), To <- [P, {served, C}]],
    [T = gen_statem:call(P, {echo, T}, How) ||
        T <- terms(), How <- [infinity, 5000, {clean_timeout, 5000}, {dirty_timeout, 5000}]],
    {[{C, T}], []} = {element(1, gen_server:multi_call([C], served, {echo, T = {multi}})), []},
    {[], [C]} = gen_server:multi_call([C], nobody, {echo, 1}),
    Ids = [gen_server:send_request(P, {echo, N}) || N <- lists:seq(1, 100)],
    [{reply, N} = gen_server:receive_response(Id, 5000) ||
        {N, Id} <- lists:zip(lists:seq(1, 100), Ids)],
    ok = gen_server:cast(P, {the, cast}),
    abcast = gen_server:abcast([C], served, another),
    ok = gen_statem:cast(P, {the, third}),
    [{cast, {the, cast}}, {cast, another}, {cast, {the, third}}] = events(P),
    stop(P),
    silence(50).

%% A process that ends tells its callers at once; one that is not there as well.
calls_of_what_ends(C) ->
    P = new(C),
    ?raises(exit, {stopped, {gen_server, call, _}}, gen_server:call(P, {exit, stopped})),
    ?raises(exit, {noproc, {gen_server, call, _}}, gen_server:call(P, anything)),
    ?raises(exit, {noproc, {gen_server, call, _}}, gen_server:call({nobody, C}, anything)),
    ?raises(exit, {normal, {gen_server, call, _}}, gen_server:call(new(C), {exit, normal})),
    silence(50).

%% The caller has gone by the time of the answer: with an alias in its tag nothing is left behind.
late_answers_are_dropped(C) ->
    P = new(C),
    ?raises(exit, {timeout, _}, gen_server:call(P, hold, 50)),
    ?raises(exit, {timeout, _}, gen_statem:call(P, hold, {clean_timeout, 50})),
    ok = ask(P, {release, late}),
    now_it_answers = gen_server:call(P, {echo, now_it_answers}),
    Id = gen_server:send_request(P, hold),
    timeout = gen_server:wait_response(Id, 50),
    ok = ask(P, {release, in_time}),
    {reply, in_time} = gen_server:wait_response(Id, 5000),
    stop(P),
    silence(50).

%% A tag of any form comes back as it was, to the alias in it or else to the caller.
every_form_of_tag(C) ->
    P = new(C),
    Tags = [make_ref(), [], a, {'$gen_request_id', make_ref()}, [make_ref()], [alias],
            [alias, make_ref()], #{ref => make_ref()}, <<"tag">>, [[make_ref()] | make_ref()]],
    [begin
         P ! {'$gen_call', {self(), Tag}, {echo, Tag}},
         receive {Tag, Tag} -> ok after 5000 -> error({no_answer, Tag}) end
     end || Tag <- Tags],
    Alias = alias([reply]),
    P ! {'$gen_call', {self(), [alias | Alias]}, {echo, 1}},
    receive {[alias | Alias], 1} -> ok after 5000 -> error(no_answer) end,
    Gone = alias(),
    unalias(Gone),
    P ! {'$gen_call', {self(), [alias | Gone]}, {echo, 1}},
    P ! {'$gen_call', {self(), [[alias | Gone] | make_ref()]}, {echo, 1}},
    Other = alias(),
    Tag = [[alias | Other] | make_ref()],
    P ! {'$gen_call', {self(), Tag}, {echo, 2}},
    receive {Tag, 2} -> ok after 5000 -> error(no_answer) end,
    unalias(Other),
    stop(P),
    silence(50).

%% ---- sys

sys_messages(C) ->
    P = new(C, system),
    {process, N} = sys:get_state(P),
    {process, N} = sys:get_state({system, C}, 5000),
    {status, P, {module, noex},
     [[], running, P, [], [{header, _}, {data, [{"Status", running} | _]},
                           {data, [{"State", {process, N}}]}]]} = sys:get_status(P),
    ok = sys:suspend(P),
    {status, _, _, [_, suspended | _]} = sys:get_status(P),
    Id = gen_server:send_request(P, {echo, later}),
    P ! {a, message},
    timeout = gen_server:wait_response(Id, 100),
    {process, N} = sys:get_state(P),
    ok = sys:suspend(P),
    ok = sys:resume(P),
    {reply, later} = gen_server:wait_response(Id, 5000),
    ok = sys:resume(P),
    [{message, {a, message}}] = events(P),
    ?raises(error, {callback_failed, _, _}, sys:replace_state(P, fun(S) -> S end)),
    ok = sys:no_debug(P),
    {ok, []} = sys:log(P, get),
    {ok, no_statistics} = sys:statistics(P, get),
    ok = sys:trace(P, false),
    unknown_debug = sys:trace(P, true),
    {error, {unknown_system_msg, _}} = sys:change_code(P, m, vsn, extra),
    M = monitor(process, P),
    ok = sys:terminate(P, {shutdown, sys}),
    {P, {shutdown, sys}} = down(M),
    ?raises(exit, {noproc, _}, sys:get_state(P)),
    silence(50).

%% A suspended process ends as any other.
suspended_and_killed(C) ->
    P = new(C),
    M = monitor(process, P),
    ok = sys:suspend(P),
    [P ! N || N <- lists:seq(1, 1000)],
    exit(P, kill),
    {P, killed} = down(M),
    silence(50).

%% ---- calls from C

c_calls(C) ->
    S = server(),
    P = new(C),
    [{reply, T} = ask(P, {call, To, {echo, T}, 5000}) ||
        T <- terms(), To <- [S, {noex_calls_server, node()}]],
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, {nobody, node()}, x, 5000}),
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, dead(), x, 5000}),
    {failed, 'NOEX_ENOPROC', {stop, now}} = ask(P, {call, S, {stop, {stop, now}}, 5000}),
    S2 = server(),
    {failed, 'NOEX_ECALLTIMEOUT', none} = ask(P, {call, S2, hold, 50}),
    late = call(S2, {release, late}),
    {reply, 2} = ask(P, {call, S2, {echo, 2}, infinity}),
    {reply, passed_on} = ask(P, {call, S2, {pass_on, passed_on}, 5000}),
    ok = ask(P, {cast, S2, {to, self()}}),
    receive {'$gen_cast', {to, _}} -> error(not_there); {cast, {to, Me}} when Me =:= self() -> ok
    after 5000 -> error(no_cast) end,
    %% Nothing is left of them at either side.
    {monitored_by, []} = process_info(S2, monitored_by),
    [] = events(P),
    exit(S2, kill),
    silence(50).

%% To processes of the same node, and to itself.
c_calls_c(C) ->
    P = new(C), Q = new(C, callee),
    [{reply, T} = ask(P, {call, To, {echo, T}, 5000}) || T <- terms(), To <- [Q, callee, P]],
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, nobody, x, 5000}),
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, net_kernel, x, 5000}),
    {failed, 'NOEX_ECALLTIMEOUT', none} = ask(P, {call, Q, hold, 50}),
    ok = ask(P, {release, late}),
    {failed, 'NOEX_ENOPROC', {its, 'end'}} = ask(P, {call, Q, {exit, {its, 'end'}}, 5000}),
    ok = ask(P, {cast, P, itself}),
    [{cast, itself}] = events(P),
    silence(50).

calls_race_with_the_end(C) ->
    P = new(C),
    [begin
         S = server(),
         spawn(fun() -> timer:sleep(rand:uniform(3)), exit(S, kill) end),
         case ask(P, {call, S, {echo, N}, 5000}) of
             {reply, N} -> ok;
             {failed, 'NOEX_ENOPROC', killed} -> ok;
             {failed, 'NOEX_ENOPROC', noproc} -> ok
         end
     end || N <- lists:seq(1, 300)],
    silence(50).

many_calls(C) ->
    S = server(),
    P = new(C),
    Refs = [begin R = make_ref(), P ! {self(), R, {call, S, {echo, N}, 20000}}, {R, N} end ||
               N <- lists:seq(1, 10000)],
    [receive {R, Answer} -> {reply, N} = Answer after 20000 -> error({lost, N}) end ||
        {R, N} <- Refs],
    {monitored_by, []} = process_info(S, monitored_by),
    exit(S, kill),
    silence(50).

%% ---- functions of C

nothing_is_served(C) ->
    ?raises(error, {erpc, notsup}, erpc:call(C, c_node, echo, [1])),
    {badrpc, notsup} = rpc:call(C, c_node, echo, [1]),
    R = spawn_request(C, c_node, echo, [1]),
    receive {spawn_reply, R, error, notsup} -> ok after 5000 -> error(no_reply) end.

called_by_erpc(C) ->
    ok = ask(c(C), {serve}),
    [T = erpc:call(C, c_node, echo, [T]) || T <- terms()],
    [T = erpc:call(C, c_node, echo, [T], 5000) || T <- terms()],
    [T = rpc:call(C, c_node, echo, [T]) || T <- terms()],
    3 = rpc:call(C, c_node, add, [1, 2], 5000),
    3 = rpc:yield(rpc:async_call(C, c_node, add, [1, 2])),
    [{ok, 7}] = erpc:multicall([C], c_node, add, [3, 4]),
    {[7], []} = rpc:multicall([C], c_node, add, [3, 4]),
    true = erpc:cast(C, c_node, die, [quietly]) =:= ok,
    true = rpc:cast(C, c_node, add, [1, 2]),
    ok = erpc:multicast([C], c_node, add, [1, x]),
    P = erpc:call(C, c_node, self, []),
    C = node(P),
    true = P =/= erpc:call(C, c_node, self, []),
    ?raises(error, {exception, badarith, [{c_node, add, 2, []}]},
            erpc:call(C, c_node, add, [a, 2])),
    ?raises(throw, {a, ball}, erpc:call(C, c_node, raise, [throw, {a, ball}])),
    ?raises(exit, {exception, left}, erpc:call(C, c_node, raise, [exit, left])),
    ?raises(exit, {signal, {by, a, signal}}, erpc:call(C, c_node, die, [{by, a, signal}])),
    ?raises(error, {exception, undef, [{c_node, nothing, [1, 2], []}]},
            erpc:call(C, c_node, nothing, [1, 2])),
    ?raises(error, {exception, undef, [{c_node, add, [1], []}]}, erpc:call(C, c_node, add, [1])),
    ?raises(error, {exception, undef, _}, erpc:call(C, fun() -> 1 end)),
    {badrpc, {'EXIT', {undef, [{c_node, nothing, [], []} | _]}}} =
        rpc:call(C, c_node, nothing, []),
    {badrpc, {'EXIT', {badarith, [{c_node, add, 2, []} | _]}}} = rpc:call(C, c_node, add, [a, 2]),
    {a, ball} = rpc:call(C, c_node, raise, [throw, {a, ball}]),
    {badrpc, {'EXIT', left}} = rpc:call(C, c_node, raise, [exit, left]),
    ?raises(error, {erpc, timeout}, erpc:call(C, c_node, hold, [], 50)),
    {badrpc, timeout} = rpc:call(C, c_node, hold, [], 50),
    ok = ask(c(C), {release, late}),
    Id = erpc:send_request(C, c_node, hold, []),
    no_response = erpc:wait_response(Id, 50),
    ok = ask(c(C), {release, in_time}),
    {response, in_time} = erpc:wait_response(Id, 5000),
    silence(50).

spawned_on_c(C) ->
    ok = ask(c(C), {serve}),
    P1 = spawn(C, c_node, hold, []),
    {P2, M2} = spawn_monitor(C, c_node, hold, []),
    process_flag(trap_exit, true),
    P3 = spawn_link(C, c_node, hold, []),
    {P4, M4} = spawn_opt(C, c_node, hold, [], [link, monitor, {priority, high}]),
    {P5, M5} = spawn_opt(C, c_node, raise, [error, why], [monitor]),
    {P5, {why, [{c_node, raise, 2, []}]}} = down(M5),
    {P6, M6} = spawn_opt(C, c_node, raise, [throw, ball], [monitor]),
    {P6, {{nocatch, ball}, [{c_node, raise, 2, []}]}} = down(M6),
    {P7, M7} = spawn_opt(C, c_node, raise, [exit, left], [monitor]),
    {P7, left} = down(M7),
    R = spawn_request(C, c_node, hold, [], [{reply, yes}, {reply_tag, tag}]),
    P8 = receive {tag, R, ok, Pid} -> Pid after 5000 -> error(no_reply) end,
    N = spawn_request(C, c_node, nothing, [], [monitor]),
    receive {spawn_reply, N, error, notsup} -> ok after 5000 -> error(no_reply) end,
    [C = node(P) || P <- [P1, P2, P3, P4, P5, P6, P7, P8]],
    M1 = monitor(process, P1),
    exit(P1, kill),
    {P1, killed} = down(M1),
    ok = ask(c(C), {release, value}),
    {P2, normal} = down(M2),
    {P4, normal} = down(M4),
    [receive {'EXIT', P, normal} -> ok after 5000 -> error({no_exit, P}) end || P <- [P3, P4]],
    process_flag(trap_exit, false),
    silence(50).

%% The caller ends: what it was linked to ends with it.
linked_to_its_caller(C) ->
    ok = ask(c(C), {serve}),
    Me = self(),
    {_, M} = spawn_monitor(fun() -> Me ! {p, spawn_link(C, c_node, hold, [])},
                                    receive after 100 -> exit(over) end end),
    P = receive {p, Q} -> Q end,
    MP = monitor(process, P),
    {_, over} = down(M),
    {P, over} = down(MP),
    silence(50).

big_values(C) ->
    ok = ask(c(C), {serve}),
    Big = rand:bytes(20 bsl 20),
    Big = erpc:call(C, c_node, echo, [Big]),
    P = new(C),
    Big = gen_server:call(P, {echo, Big}, 20000),
    S = server(),
    {reply, Big} = ask(P, {call, S, {echo, Big}, 20000}),
    {reply, Big} = ask(P, {rpc, node(), {?MODULE, same, [Big]}, 20000}),
    exit(S, kill),
    silence(50).

%% ---- functions of the BEAM, called from C

same(T) -> T.

c_calls_functions(C) ->
    P = new(C),
    [{reply, T} = ask(P, {rpc, node(), {?MODULE, same, [T]}, 5000}) || T <- terms()],
    {reply, <<"ab">>} = ask(P, {rpc, node(), {erlang, iolist_to_binary, ["ab"]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {throw, ball}} =
        ask(P, {rpc, node(), {erlang, throw, [ball]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {exit, left}} =
        ask(P, {rpc, node(), {erlang, exit, [left]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {error, undef, [{no_such, thing, [1], _} | _]}} =
        ask(P, {rpc, node(), {no_such, thing, [1]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {error, badarg, [{erlang, atom_to_list, _, _} | _]}} =
        ask(P, {rpc, node(), {erlang, atom_to_list, [1]}, 5000}),
    {failed, 'NOEX_ENOPROC', killed} =
        ask(P, {rpc, node(), {?MODULE, kill_me, []}, 5000}),
    {failed, 'NOEX_ECALLTIMEOUT', none} = ask(P, {rpc, node(), {timer, sleep, [300]}, 50}),
    silence(400),
    {reply, Leader} = ask(P, {rpc, node(), {erlang, group_leader, []}, 5000}),
    Leader = whereis(user),
    silence(50).

kill_me() -> exit(self(), kill), receive after infinity -> ok end.

c_spawns(C) ->
    P = new(C),
    {spawned, A} = ask(P, {spawn_on, node(), {?MODULE, wait, [self()]}, []}),
    A = receive {waits, A1} -> A1 after 5000 -> error(not_there) end,
    {group_leader, Leader} = process_info(A, group_leader),
    Leader = whereis(user),
    {monitored_by, []} = process_info(A, monitored_by),
    {links, []} = process_info(A, links),
    A ! {exit, unseen},
    Ref = make_ref(),
    P ! {self(), Ref, {spawn_on, node(), {?MODULE, wait, [self()]}, [monitor]}},
    B = receive {Ref, {spawned, B0}} -> B0 after 5000 -> error(no_pid) end,
    receive {waits, B} -> ok end,
    B ! {exit, {at, last}},
    receive {Ref, {spawn_down, B, {at, last}}} -> ok after 5000 -> error(no_down) end,
    {spawned, D} = ask(P, {spawn_on, node(), {?MODULE, wait, [self()]}, [link]}),
    receive {waits, D} -> ok end,
    {links, [P]} = process_info(D, links),
    ok = ask(P, {trap, true}),
    D ! {exit, linked},
    ok = noex_citizen:until(fun() -> [{exit, D, linked}] =:= events(P) end),
    Undef = make_ref(),
    P ! {self(), Undef, {spawn_on, node(), {no_such, thing, []}, [monitor]}},
    receive {Undef, {spawned, _}} -> ok end,
    receive {Undef, {spawn_down, _, {undef, [{no_such, thing, [], _} | _]}}} -> ok end,
    silence(50).

wait(To) ->
    To ! {waits, self()},
    receive {exit, Reason} -> exit(Reason) end.

%% What C spawned with a link ends with C's process.
linked_to_c(C) ->
    P = new(C),
    {spawned, A} = ask(P, {spawn_on, node(), {?MODULE, wait, [self()]}, [link]}),
    receive {waits, A} -> ok end,
    M = monitor(process, A),
    noex_citizen:stop(P, {it, ends}),
    {A, {it, ends}} = down(M),
    silence(50).

%% ---- two C nodes, told what to do from here

c_and_c(C, D) ->
    P = new(C), Q = new(D),
    {failed, 'NOEX_ENOTSUP', notsup} = ask(P, {rpc, D, {c_node, echo, [1]}, 5000}),
    ok = ask(c(D), {serve}),
    [{reply, T} = ask(P, {rpc, D, {c_node, echo, [T]}, 5000}) || T <- terms()],
    {failed, 'NOEX_EEXCEPTION', {error, badarith, [{c_node, add, 2, []}]}} =
        ask(P, {rpc, D, {c_node, add, [a, b]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {throw, ball}} =
        ask(P, {rpc, D, {c_node, raise, [throw, ball]}, 5000}),
    {failed, 'NOEX_EEXCEPTION', {error, undef, [{c_node, none, [], []}]}} =
        ask(P, {rpc, D, {c_node, none, []}, 5000}),
    {failed, 'NOEX_ENOPROC', by_itself} = ask(P, {rpc, D, {c_node, die, [by_itself]}, 5000}),
    [{reply, T} = ask(P, {call, To, {echo, T}, 5000}) || T <- terms(), To <- [Q, {citizen, D}]],
    {failed, 'NOEX_ENOPROC', {the, 'end'}} = ask(P, {call, Q, {exit, {the, 'end'}}, 5000}),
    {failed, 'NOEX_ENOPROC', noproc} = ask(P, {call, Q, x, 5000}),
    Ref = make_ref(),
    P ! {self(), Ref, {spawn_on, D, {c_node, hold, []}, [link, monitor]}},
    S = receive {Ref, {spawned, S0}} -> S0 after 5000 -> error(no_pid) end,
    D = node(S),
    ok = ask(P, {trap, true}),
    exit(S, gone),
    receive {Ref, {spawn_down, S, gone}} -> ok after 5000 -> error(no_down) end,
    ok = noex_citizen:until(fun() -> [{exit, S, gone}] =:= events(P) end),
    silence(50).

%% ---- when the connection goes

lost(C) ->
    P = new(C),
    S = server(),
    Calls = [make_ref() || _ <- lists:seq(1, 4)],
    [R1, R2, R3, R4] = Calls,
    P ! {self(), R1, {call, S, hold, infinity}},
    P ! {self(), R2, {rpc, node(), {timer, sleep, [60000]}, infinity}},
    P ! {self(), R3, {spawn_on, node(), {?MODULE, wait, [self()]}, [monitor]}},
    A = receive {R3, {spawned, A0}} -> A0 after 5000 -> error(no_pid) end,
    receive {waits, A} -> ok end,
    Id = gen_server:send_request(P, hold),
    timer:sleep(100),
    true = erlang:disconnect_node(C),
    receive {nodedown, C, _} -> ok after 5000 -> error(no_nodedown) end,
    {error, {noconnection, _}} = gen_server:receive_response(Id, 5000),
    %% The answers make C connect again.
    [receive {R, {failed, 'NOEX_ENOTREACHABLE', none}} -> ok after 5000 -> error({none, R}) end ||
        R <- [R1, R2]],
    receive {R3, {spawn_down, A, noconnection}} -> ok after 5000 -> error(no_down) end,
    receive {nodeup, C, _} -> ok after 5000 -> error(no_nodeup) end,
    P ! {self(), R4, {call, S, {echo, 4}, 5000}},
    receive {R4, {reply, 4}} -> ok after 5000 -> error(no_reply) end,
    A ! {exit, normal},
    exit(S, kill),
    silence(50).

%% ---- this side

terms() ->
    [ok, [], "text", [1 | 2], {a, "b", <<"c">>, 1.5}, #{k => [v]}, 1 bsl 70, self(), make_ref(),
     fun erlang:self/0, lists:seq(1, 300), <<0:20000>>].

dead() ->
    {P, M} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', M, _, _, _} -> P end.

server() ->
    P = spawn(fun() -> catch register(noex_calls_server, self()), serve([]) end),
    ready = call(P, {echo, ready}),
    P.

call(P, Request) -> gen_server:call(P, Request).

serve(Held) ->
    receive
        {'$gen_call', From, {echo, T}} -> gen_server:reply(From, T), serve(Held);
        {'$gen_call', _, {stop, Reason}} -> exit(Reason);
        {'$gen_call', From, hold} -> serve([From | Held]);
        {'$gen_call', From, {release, T}} ->
            [gen_server:reply(H, T) || H <- Held],
            gen_server:reply(From, T),
            serve([]);
        {'$gen_call', From, {pass_on, T}} ->
            spawn(fun() -> gen_server:reply(From, T) end),
            serve(Held);
        {'$gen_cast', {to, To} = T} -> To ! {cast, T}, serve(Held)
    end.
