%% Drives programs/citizen.c from the Erlang side. Each scenario is a function of the C node's name;
%% it crashes where the C node does not behave as a BEAM would. SPDX-License-Identifier: Apache-2.0
-module(noex_citizen).

-export([run/2, run/3, ask/2]).
-compile([export_all, nowarn_export_all]).

%% The scenario in a process of its own, with nothing left in its mailbox at the end, on a
%% connection that has stayed.
run(Scenario, C) -> run(Scenario, C, []).

run(Scenario, C, Args) ->
    {_, Ref} = spawn_monitor(fun() -> exit({done, whole(Scenario, [C | Args])}) end),
    receive
        {'DOWN', Ref, _, _, {done, Value}} -> Value;
        {'DOWN', Ref, _, _, Reason} -> error({Scenario, Reason})
    after 150000 -> error({Scenario, hangs})
    end.

whole(Scenario, [C | Args]) ->
    [pong = net_adm:ping(Node) || Node <- [C | Args], is_atom(Node)],
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    {Module, Function} = if is_tuple(Scenario) -> Scenario; true -> {?MODULE, Scenario} end,
    Value = apply(Module, Function, [C | Args]),
    ok = net_kernel:monitor_nodes(false, [{node_type, all}]),
    receive Message -> error({nobody_waits_for, Message}) after 0 -> Value end.

%% ---- the C side

ask(Process, Command) ->
    Ref = make_ref(),
    Process ! {self(), Ref, Command},
    answer(Process, Ref).

answer(Process, Ref) ->
    receive {Ref, Result} -> Result
    after 60000 -> error({no_answer, Process})
    end.

c(C) -> {citizen, C}.

new(C) -> new(C, []).

new(C, Name) ->
    Pid = ask(c(C), {spawn, Name}),
    C = node(Pid),
    Pid.

trapping(C) ->
    Pid = new(C),
    ok = ask(Pid, {trap, true}),
    Pid.

stop(Pid) -> stop(Pid, normal).

stop(Pid, Reason) -> ok = ask(Pid, {exit, Reason}).

events(Pid) -> ask(Pid, {events}).

%% Waits for one. Over TLS a BEAM's signals of different processes do not come in the order in which
%% they were sent.
next_events(Pid) -> next_events(Pid, 100).

next_events(Pid, Left) ->
    case events(Pid) of
        [] when Left > 0 -> timer:sleep(20), next_events(Pid, Left - 1);
        Events -> Events
    end.

%% ---- this side

down(Ref) ->
    receive {'DOWN', Ref, process, Object, Reason} -> {Object, Reason}
    after 20000 -> error({no_down, Ref})
    end.

exit_of(Pid) ->
    receive {'EXIT', Pid, Reason} -> Reason
    after 20000 -> error({no_exit, Pid})
    end.

silence(Ms) ->
    receive Message -> error({unexpected, Message}) after Ms -> ok end.

flush() -> receive _ -> flush() after 0 -> ok end.

links(Pid) ->
    {links, Links} = process_info(Pid, links),
    Links.

%% A process of ours that does what it is told and lives on; `Trap`: whether it traps exits.
here(Trap) ->
    Self = self(),
    Pid = spawn(fun() -> process_flag(trap_exit, Trap), Self ! {here, self()}, obey([]) end),
    receive {here, Pid} -> Pid end.

obey(Got) ->
    receive
        {From, Ref, got} -> From ! {Ref, lists:reverse(Got)}, obey([]);
        {From, Ref, peek} -> From ! {Ref, Got}, obey(Got);
        {From, Ref, Fun} when is_function(Fun) -> From ! {Ref, Fun()}, obey(Got);
        Message -> obey([Message | Got])
    end.

%% Tried after 1, 2, 3... milliseconds, for 20 seconds.
until(Fun) -> until(Fun, 1).

until(Fun, 200) -> error({never, Fun});
until(Fun, Tries) ->
    case Fun() of
        true -> ok;
        false -> timer:sleep(Tries), until(Fun, Tries + 1)
    end.

reasons() ->
    [normal, shutdown, {shutdown, {restart, 1}}, kill, killed, noproc, noconnection, custom,
     {custom, [{"why", <<"not">>}, 1.5, #{}]}, "text", <<0:8000000>>].

%% ---- messages

ping(C) ->
    pong = net_adm:ping(C),
    [C] = nodes(hidden),
    [] = nodes(),
    ok.

terms() ->
    {ok, Port} = gen_tcp:listen(0, []),
    [0, 1, -1, 255, 256, -256, 1 bsl 27, 1 bsl 31, -(1 bsl 31) - 1, 1 bsl 59, -(1 bsl 63), 1 bsl 64,
     -(1 bsl 64), 1 bsl 2040, 1 bsl 2048, -(1 bsl 20000), 0.0, -0.0, 1.5, 2.2250738585072014e-308,
     1.7976931348623157e308, -5.0e-324,
     true, '', 'two words', '\x{416}', list_to_atom(lists:duplicate(255, $a)),
     list_to_atom(lists:duplicate(255, 16#416)),
     [], [1 | 2], "text", [0, 255], [256, 16#10ffff], lists:duplicate(65535, 1),
     lists:duplicate(65536, 1), lists:duplicate(65536, 1.0), [[], [[]], {}],
     {}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)),
     #{}, #{1 => a, 1.0 => b, "k" => #{<<"k">> => [#{}]}},
     maps:from_list([{N, {N}} || N <- lists:seq(1, 1000)]),
     <<>>, <<"bytes">>, <<0:1>>, <<5:3>>, <<1, 2, 3:7>>, binary:copy(<<7>>, 1000000),
     self(), make_ref(), Port, alias(), fun lists:map/2, fun(X) -> {X, Port} end,
     lists:foldl(fun(_, Inner) -> {Inner} end, core, lists:seq(1, 500)),
     lists:foldl(fun(_, Inner) -> [Inner] end, core, lists:seq(1, 500)),
     erlang:system_info(creation), node()].

echo_of_every_term(C) ->
    P = new(C),
    Terms = [P, c(C), {P, [P]} | terms()],
    [case ask(P, {echo, Term}) of
         Same when Same =:= Term -> ok;
         Other -> error({differs, Term, Other})
     end || Term <- Terms],
    Terms = ask(P, {echo, Terms}),
    true = ask(P, {echo, -0.0}) =:= -0.0,
    stop(P).

%% By pid, name and alias, each with the options of send and with a trace token.
every_way_to_send(C) ->
    P = new(C, by_name),
    {Alias, Id} = ask(P, {alias, []}),
    true = is_reference(Alias),
    C = node(Alias),
    Targets = [P, {by_name, C}, Alias],
    [To ! {plain, 1} || To <- Targets],
    [ok = erlang:send(To, {noconnect, 2}, [noconnect]) || To <- Targets],
    [ok = erlang:send(To, {nosuspend, 3}, [nosuspend]) || To <- Targets],
    [true = erlang:send_nosuspend(To, {bif, 4}) || To <- [P, {by_name, C}]],
    seq_trace:set_token(label, 17),
    [To ! {traced, 5} || To <- Targets],
    seq_trace:set_token([]),
    Expected = [{message, {Word, N}} || {Word, N, Count} <-
                   [{plain, 1, 3}, {noconnect, 2, 3}, {nosuspend, 3, 3}, {bif, 4, 2}, {traced, 5, 3}],
                   _ <- lists:seq(1, Count)],
    Expected = events(P),
    ok = ask(P, {unalias, Id}),
    Alias ! late,
    [] = events(P),
    stop(P).

%% From C: by pid, by name, to itself and to others of its own.
messages_from_c(C) ->
    P = new(C), Q = new(C, named_q),
    Self = self(),
    register(a_name, Self),
    ok = ask(P, {send, Self, {by, pid}}),
    ok = ask(P, {send, {a_name, node()}, {by, name}}),
    ok = ask(P, {send, {nobody_here, node()}, lost}),
    ok = ask(P, {send, Q, from_p}),
    ok = ask(P, {send, named_q, by_name}),
    ok = ask(P, {send, {named_q, C}, by_name_and_node}),
    ok = ask(P, {send, nobody_there, lost}),
    ok = ask(P, {send, P, to_itself}),
    receive {by, pid} -> ok end,
    receive {by, name} -> ok end,
    unregister(a_name),
    Dead = spawn(fun() -> ok end),
    until(fun() -> not is_process_alive(Dead) end),
    ok = ask(P, {send, Dead, lost}),
    [{message, from_p}, {message, by_name}, {message, by_name_and_node}] = events(Q),
    [{message, to_itself}] = events(P),
    stop(P), stop(Q).

nobody_gets_what_is_for_nobody(C) ->
    process_flag(trap_exit, true),
    Dead = new(C, once),
    {Alias, _} = ask(Dead, {alias, []}),
    stop(Dead),
    Before = ask(c(C), {dropped}),
    [To ! {lost, lists:seq(1, 10)} || To <- [Dead, Alias, {once, C}, {nobody, C}, {'', C},
                                             {undefined, C}]],
    exit(Dead, kill),
    link(Dead),
    group_leader(whereis(user), Dead),
    Big = binary:copy(<<1>>, 3000000),
    [To ! Big || To <- [Dead, Alias, {nobody, C}]],
    true = ask(c(C), {dropped}) - Before >= 6,
    noproc = exit_of(Dead).

%% C sends to aliases: the BEAM's of each kind, those of other processes of C, and old ones.
aliases_from_c(C) ->
    P = new(C), Q = new(C),
    Alias = alias(), Once = alias([reply]), Gone = alias(),
    unalias(Gone),
    Monitor = monitor(process, Q, [{alias, demonitor}]),
    {AliasOfQ, Id} = ask(Q, {alias, []}),
    [ok = ask(P, {send, To, {to, N}}) || {To, N} <- [{Alias, 1}, {Once, 2}, {Once, lost}, {Gone, lost},
                                                     {Monitor, 3}, {AliasOfQ, 4}, {make_ref(), lost}]],
    [receive {to, N} -> ok after 5000 -> error({lost, N}) end || N <- [1, 2, 3]],
    demonitor(Monitor, [flush]),
    ok = ask(P, {send, Monitor, lost}),
    [{message, {to, 4}}] = events(Q),
    ok = ask(Q, {unalias, Id}),
    ok = ask(P, {send, AliasOfQ, lost}),
    [] = events(Q),
    stop(P), stop(Q).

%% OTP 28: what is sent with priority comes first where the alias is one for that, and only there.
priority(C) ->
    case list_to_integer(erlang:system_info(otp_release)) of
        Release when Release < 28 -> not_yet;
        _ -> [prioritised(C, Option) || Option <- [priority, []]], ok
    end.

prioritised(C, Option) ->
    Self = self(),
    P = trapping(C),
    {Alias, _} = ask(P, {alias, Option}),
    Ref = cast(P, {busy, 200}),
    timer:sleep(50), % it sleeps now, and will find all of these when it wakes up
    [P ! N || N <- [1, 2]],
    [erlang:send(To, {first, N}, [priority]) || {To, N} <- [{Alias, 1}, {P, 2}, {Alias, 3}]],
    erlang:apply(erlang, exit, [Alias, bye, [priority]]),
    Alias ! 3,
    ok = answer(P, Ref),
    Expected = case Option of
        priority -> [{priority, {first, 1}}, {priority, {first, 3}}, {exit, Self, bye},
                     {message, 1}, {message, 2}, {message, {first, 2}}, {message, 3}];
        [] -> [{message, 1}, {message, 2}, {message, {first, 1}}, {message, {first, 2}},
               {message, {first, 3}}, {exit, Self, bye}, {message, 3}]
    end,
    Expected = events(P),
    stop(P).

%% 20 senders, each with 500 numbered messages by three ways at once, to one process and back.
order_is_kept_for_each_pair(C) ->
    P = new(C, ordered),
    Senders = [spawn_monitor(fun() -> send_numbers(P, C) end) || _ <- lists:seq(1, 20)],
    [{Pid, normal} = down(Ref) || {Pid, Ref} <- Senders],
    stop(P).

send_numbers(P, C) ->
    Refs = [begin
                Ref = make_ref(),
                erlang:send(case N rem 2 of 0 -> P; 1 -> {ordered, C} end,
                            {self(), Ref, {echo, {N, binary:copy(<<N>>, N rem 700)}}}),
                Ref
            end || N <- lists:seq(1, 500)],
    %% Selecting nothing: the answers must come in this order.
    lists:foldl(fun(Ref, N) -> receive {R, {M, _}} -> {Ref, N} = {R, M}, N + 1 end end, 1, Refs).

%% Names of every kind, and each of them free again at once.
names(C) ->
    [begin
         P = new(C, Name),
         {Name, C} ! hello,
         R = monitor(process, {Name, C}),
         [{message, hello}] = ask({Name, C}, {events}),
         'NOEX_ENAMETAKEN' = ask(c(C), {spawn, Name}),
         stop(P, Name),
         {{Name, C}, Name} = down(R)
     end || Name <- ['two words', 'Elixir.My.Server', 'gr\xfc\xdfe', '\x{416}', '@', '\n',
                     list_to_atom(lists:duplicate(255, $a)),
                     list_to_atom(lists:duplicate(255, 16#416))], _ <- [once, again]],
    'NOEX_EINVALID' = ask(c(C), {spawn, undefined}).

%% Very many at once, and one slot used again and again: each is its own.
many_processes(C) ->
    Self = self(),
    Ps = [new(C) || _ <- lists:seq(1, 5000)],
    5000 = length(lists:usort(Ps)),
    [P ! {hello, P} || P <- Ps],
    [ok = ask(P, {send, Self, {P, first}}) || P <- [hd(Ps), lists:last(Ps)]],
    [[{message, {hello, P}}] = events(P) || P <- lists:sublist(Ps, 100) ++ lists:nthtail(4900, Ps)],
    [receive {P, first} -> ok end || P <- [hd(Ps), lists:last(Ps)]],
    Refs = [{P, monitor(process, P)} || P <- Ps],
    [exit(P, kill) || P <- Ps],
    [{P, killed} = down(R) || {P, R} <- Refs],
    Used = lists:foldl(fun(_, Old) ->
                           P = new(C),
                           false = P =:= Old,
                           Old ! lost,
                           exit(P, kill),
                           P
                       end, hd(Ps), lists:seq(1, 9000)),
    {Used, noproc} = down(monitor(process, Used)),
    ok.

%% More atoms than a cache holds, in many messages at once, big ones between.
atoms(C) ->
    P = new(C),
    Atoms = [list_to_atom("atom_" ++ integer_to_list(N) ++ lists:duplicate(N rem 200, $x))
             || N <- lists:seq(1, 3000)],
    Senders = [spawn_monitor(fun() ->
                   [begin
                        Some = lists:sublist(Atoms, rand:uniform(2900), rand:uniform(300)),
                        Some = ask(P, {echo, Some}),
                        hd(Some) =:= ask(P, {echo, hd(Some)}) orelse error(differs)
                    end || _ <- lists:seq(1, 40)],
                   Big = [{A, self(), node()} || A <- Atoms],
                   Big = ask(P, {echo, Big})
               end) || _ <- lists:seq(1, 4)],
    [{Pid, normal} = down(R) || {Pid, R} <- Senders],
    stop(P).

%% Signals of one process to another keep their order, whatever they are and how big.
order_of_signals_from_c(C) ->
    W = here(true),
    Big = binary:copy(<<"big">>, 1000000),
    Ps = [new(C) || _ <- lists:seq(1, 8)],
    [cast(P, {batch, [{send, W, {P, 1, Big}}, {send, W, {P, 2}}, {link, W}, {exit2, W, 3},
                      {send, W, {P, 4}}, {exit2, W, Big}, {send, W, {P, 5, Big}},
                      {send, W, {P, 6}}, {exit, Big}]}) || P <- Ps],
    [receive {Ref, ok} when is_reference(Ref) -> ok after 20000 -> error(no_answer) end || _ <- Ps],
    until(fun() -> links(W) =:= [] andalso length(ask(W, peek)) =:= 8 * 8 end),
    Got = ask(W, got),
    [[{P, 1, Big}, {P, 2}, {'EXIT', P, 3}, {P, 4}, {'EXIT', P, Big}, {P, 5, Big}, {P, 6},
      {'EXIT', P, Big}] = [M || M <- Got, element(1, M) =:= P orelse element(2, M) =:= P]
     || P <- Ps],
    exit(W, kill),
    ok.

%% Big messages there and back, with small ones of another process between: how many of these, and
%% the longest that one took, in milliseconds.
big(C, Megabytes) ->
    P = new(C), Q = new(C),
    Bytes = rand:bytes(Megabytes * 1000000),
    {Asker, Ref} = spawn_monitor(fun() -> exit(small_ones(Q, [])) end),
    true = ask(P, {echo, {big, Bytes}}) =:= {big, Bytes},
    true = ask(P, {echo, Bytes}) =:= Bytes,
    Asker ! enough,
    {Asker, Took} = down(Ref),
    stop(P), stop(Q),
    true = length(Took) > Megabytes div 8,
    {length(Took), lists:max(Took)}.

%% Big ones of several processes at once, to several and back.
big_ones_at_once(C) ->
    Pairs = [spawn_monitor(fun() ->
                 P = new(C),
                 Bytes = rand:bytes(8000000 + N),
                 true = ask(P, {echo, Bytes}) =:= Bytes,
                 stop(P)
             end) || N <- lists:seq(1, 5)],
    [{Pid, normal} = down(Ref) || {Pid, Ref} <- Pairs],
    ok.

small_ones(Q, Took) ->
    Began = erlang:monotonic_time(millisecond),
    x = ask(Q, {echo, x}),
    Now = erlang:monotonic_time(millisecond),
    receive enough -> [Now - Began | Took]
    after 1 -> small_ones(Q, [Now - Began | Took])
    end.

%% ---- monitors

monitors_tell_the_exact_reason(C) ->
    [begin
         P = new(C, reasoned),
         Refs = [{monitor(process, P), P}, {monitor(process, {reasoned, C}), {reasoned, C}}],
         stop(P, Reason),
         [{Object, Reason} = down(Ref) || {Ref, Object} <- Refs]
     end || Reason <- reasons()],
    ok.

monitors_before_during_and_after(C) ->
    Name = {lives_once, C},
    {Name, noproc} = down(monitor(process, Name)),
    P = new(C, lives_once),
    R1 = monitor(process, Name), R2 = monitor(process, P),
    [] = events(P),
    silence(50),
    stop(P, over),
    {Name, over} = down(R1),
    {P, over} = down(R2),
    {Name, noproc} = down(monitor(process, Name)),
    {P, noproc} = down(monitor(process, P)),
    {{'', C}, noproc} = down(monitor(process, {'', C})),
    {{undefined, C}, noproc} = down(monitor(process, {undefined, C})).

%% A monitor by name is one of the process, whatever becomes of the name.
a_name_that_changes_hands(C) ->
    P = new(C, handed), Q = new(C),
    R1 = monitor(process, {handed, C}),
    ok = ask(P, {unregister, handed}),
    {_, noproc} = down(monitor(process, {handed, C})),
    ok = ask(Q, {register, handed}),
    R2 = monitor(process, {handed, C}),
    stop(P, first),
    {{handed, C}, first} = down(R1),
    silence(20),
    stop(Q, second),
    {{handed, C}, second} = down(R2),
    stop(new(C, handed)).

demonitored_is_silent(C) ->
    P = new(C, quiet),
    Refs = [monitor(process, T) || _ <- lists:seq(1, 100), T <- [P, {quiet, C}]],
    [true = demonitor(R, [flush]) || R <- Refs],
    Kept = monitor(process, P),
    stop(P, loud),
    {P, loud} = down(Kept),
    silence(50).

options_of_monitor(C) ->
    P = new(C),
    R1 = erlang:monitor(process, P, [{tag, my_tag}]),
    R2 = erlang:monitor(process, P, [{alias, reply_demonitor}]),
    stop(P, over),
    receive {my_tag, R1, process, P, over} -> ok end,
    {P, over} = down(R2),
    ok.

a_thousand_watchers(C) ->
    P = new(C, watched),
    Self = self(),
    Watchers = [spawn_monitor(fun() ->
                    Ref = monitor(process, case N rem 2 of 0 -> P; 1 -> {watched, C} end),
                    here = ask(P, {echo, here}),
                    Self ! {watching, self()},
                    {_, seen} = down(Ref)
                end) || N <- lists:seq(1, 1000)],
    [receive {watching, Pid} -> ok end || {Pid, _} <- Watchers],
    {Half, Rest} = lists:split(500, Watchers),
    [exit(Pid, kill) || {Pid, _} <- Half],
    [{Pid, killed} = down(Ref) || {Pid, Ref} <- Half],
    stop(P, seen),
    [{Pid, normal} = down(Ref) || {Pid, Ref} <- Rest],
    ok.

%% The process ends while it is being monitored and demonitored: one DOWN each, never two.
monitors_race_with_the_end(C) ->
    [monitor_race(C, N) || N <- lists:seq(1, 300)],
    silence(20).

monitor_race(C, N) ->
    P = new(C),
    Stopper = spawn(fun() -> ask(P, {exit, N}) end),
    Refs = [monitor(process, P) || _ <- lists:seq(1, 20)],
    {Kept, Gone} = lists:partition(fun(_) -> rand:uniform(2) =:= 1 end, Refs),
    [demonitor(R, [flush]) || R <- Gone],
    [case down(R) of {P, N} -> ok; {P, noproc} -> ok end || R <- Kept],
    is_process_alive(Stopper).

%% What C watches is told of in the events of its node.
monitors_from_c(C) ->
    W = here(false), V = here(false),
    ask(W, fun() -> register(watched_by_c, W) end),
    ask(c(C), {node_events}),
    [ok = ask(c(C), {monitor, T}) || T <- [W, V, {watched_by_c, node()}, {nobody_here, node()}]],
    until(fun() -> length(monitored_by(W)) =:= 2 andalso length(monitored_by(V)) =:= 1 end),
    exit(W, first), exit(V, {second, self()}),
    until(fun() -> not is_process_alive(V) end),
    Self = self(),
    [{monitor_down, N, noproc}, {monitor_down, N, first}, {monitor_down, N, first},
     {monitor_down, N, {second, Self}}] = ask(c(C), {node_events}),
    N = node(),
    ok.

monitored_by(Pid) ->
    {monitored_by, By} = process_info(Pid, monitored_by),
    By.

%% ---- links and exit signals

links_from_the_beam(C) ->
    process_flag(trap_exit, true),
    [begin
         P = new(C),
         true = link(P),
         true = link(P),
         true = lists:member(P, links(self())),
         stop(P, Reason),
         Reason = exit_of(P),
         [] = [L || L <- links(self()), L =:= P]
     end || Reason <- reasons()],
    P = new(C),
    link(P), unlink(P),
    stop(P, boom),
    link(P),
    noproc = exit_of(P),
    silence(20).

links_from_c(C) ->
    [begin
         Q = trapping(C), P = new(C), W = here(true),
         [ok = ask(X, {link, W}) || X <- [P, Q, Q]],
         [] = [P, Q] -- links(W),
         2 = length(links(W)),
         R = monitor(process, P),
         exit_with(W, Reason),
         [{exit, W, Reason}] = next_events(Q),
         case Reason of
             normal -> pong = ask(P, {echo, pong}), stop(P), {P, normal} = down(R);
             _ -> {P, Reason} = down(R)
         end,
         ok = ask(Q, {link, W}),
         [{exit, W, noproc}] = events(Q),
         stop(Q)
     end || Reason <- reasons()],
    silence(20).

exit_with(Pid, Reason) ->
    Ref = monitor(process, Pid),
    Pid ! {self(), make_ref(), fun() -> exit(Reason) end},
    {Pid, Reason} = down(Ref).

%% By either end, whoever made it; then each may end without the other.
unlinked_by_either_end(C) ->
    [begin
         P = new(C), W = here(false),
         make_link(Maker, P, W),
         [P] = links(W),
         take_link(Taker, P, W),
         until(fun() -> links(W) =:= [] end),
         case Victim of
             c -> stop(P, boom), pong = ask(W, fun() -> pong end), exit(W, kill);
             beam -> exit_with(W, boom), pong = ask(P, {echo, pong}), stop(P)
         end
     end || Maker <- [c, beam], Taker <- [c, beam], Victim <- [c, beam], _ <- lists:seq(1, 5)],
    silence(20).

make_link(c, P, W) -> ok = ask(P, {link, W});
make_link(beam, P, W) -> true = ask(W, fun() -> link(P) end).

take_link(c, P, W) -> ok = ask(P, {unlink, W});
take_link(beam, P, W) -> true = ask(W, fun() -> unlink(P) end).

%% What an end does to a process that traps no exits.
ends_of_links_untrapped(C) ->
    [begin
         P = new(C), W = here(false),
         true = ask(W, fun() -> link(P) end),
         R = monitor(process, W),
         stop(P, Reason),
         case Reason of
             normal -> pong = ask(W, fun() -> pong end), [] = links(W), exit(W, kill), down(R);
             _ -> {W, Reason} = down(R)
         end
     end || Reason <- reasons()],
    silence(20).

%% With trace tokens the same signals have other forms.
traced_signals(C) ->
    process_flag(trap_exit, true),
    seq_trace:set_token(label, 1),
    P = trapping(C), Q = new(C),
    W = spawn_link(fun() -> link(P), link(Q), receive stop -> exit(traced) end end),
    until(fun() -> length(links(W)) =:= 3 end),
    exit(P, poke),
    MQ = monitor(process, Q),
    W ! stop,
    traced = exit_of(W),
    {Q, traced} = down(MQ),
    seq_trace:set_token([]),
    Self = self(),
    [{exit, Self, poke}, {exit, W, traced}] = events(P),
    {spawn_reply, _, error, notsup} = traced_spawn(C),
    stop(P).

traced_spawn(C) ->
    seq_trace:set_token(label, 2),
    Ref = spawn_request(C, erlang, node, [], [monitor]),
    Reply = receive {spawn_reply, Ref, _, _} = Answer -> Answer end,
    seq_trace:set_token([]),
    Reply.

%% To itself.
a_process_alone(C) ->
    [begin
         P = new(C),
         ok = ask(P, {trap, Trap}),
         ok = ask(P, {link, P}),
         ok = ask(P, {unlink, P}),
         ok = ask(P, {send, P, hello}),
         [{message, hello}] = events(P),
         R = monitor(process, P),
         ok = ask(P, {exit2, P, Reason}),
         case {Trap, Reason} of
             {_, kill} -> {P, killed} = down(R);
             {false, _} -> {P, Reason} = down(R);
             {true, _} -> [{exit, P, Reason}] = events(P), stop(P), {P, normal} = down(R)
         end
     end || Trap <- [false, true], Reason <- [normal, kill, boom]],
    silence(20).

%% 10,000 processes linked with one of C, and as many that monitor one.
many_ends_at_once(C) ->
    P = new(C), Q = new(C),
    Ws = [spawn(fun() ->
              link(P), monitor(process, Q),
              receive {'DOWN', _, process, Q, all} -> exit(gone) end
          end) || _ <- lists:seq(1, 10000)],
    Vs = [spawn(fun() -> link(P), receive never -> ok end end) || _ <- lists:seq(1, 10000)],
    [until(fun() -> links(X) =:= [P] end) || X <- Ws ++ Vs],
    ask(P, {trap, true}),
    Refs = [{X, monitor(process, X)} || X <- Ws ++ Vs],
    stop(Q, all),
    [{X, gone} = down(R) || {X, R} <- lists:sublist(Refs, 10000)],
    Told = events(P),
    10000 = length([gone || {exit, _, gone} <- Told]),
    [] = Ws -- [W || {exit, W, gone} <- Told],
    stop(P, over),
    [{X, over} = down(R) || {X, R} <- lists:nthtail(10000, Refs)],
    ok.

%% Both ends link, or unlink, at the same time, again and again.
links_crossing(C) ->
    P = trapping(C), W = here(true),
    [begin
         R1 = cast(P, {link, W}), R2 = cast(W, fun() -> link(P) end),
         answer(P, R1), answer(W, R2),
         [P] = links(W),
         R3 = cast(P, {unlink, W}), R4 = cast(W, fun() -> unlink(P) end),
         answer(P, R3), answer(W, R4),
         [] = links(W)
     end || _ <- lists:seq(1, 1000)],
    stop(P),
    [] = ask(W, got),
    exit(W, kill),
    ok.

%% An EXIT on its way while the other end unlinks: told before the unlink, or never.
exits_crossing_unlinks(C) ->
    P = trapping(C),
    Told = [begin
                W = here(true),
                ok = ask(P, {link, W}),
                R = monitor(process, W),
                cast(W, fun() -> exit(crossing) end),
                Ref = cast(P, {batch, [{unlink, W}, {send, P, unlinked}]}),
                {W, crossing} = down(R),
                answer(P, Ref),
                case events(P) of
                    [{message, unlinked}] -> 0;
                    [{exit, W, crossing}, {message, unlinked}] -> 1
                end
            end || _ <- lists:seq(1, 500)],
    stop(P),
    lists:sum(Told).

cast(Process, Command) ->
    Ref = make_ref(),
    Process ! {self(), Ref, Command},
    Ref.

%% exit/2 with every reason, from each side to each, trapped and not.
exit_signals(C) ->
    [begin exit_to_c(C, Reason), exit_to_beam(C, Reason), exit_within_c(C, Reason) end
     || Reason <- reasons()],
    silence(20).

exit_to_c(C, Reason) ->
    Self = self(),
    P = new(C), Q = trapping(C),
    RP = monitor(process, P), RQ = monitor(process, Q),
    exit(P, Reason), exit(Q, Reason),
    case Reason of
        normal -> pong = ask(P, {echo, pong}), stop(P), {P, normal} = down(RP);
        kill -> {P, killed} = down(RP);
        _ -> {P, Reason} = down(RP)
    end,
    case Reason of
        kill -> {Q, killed} = down(RQ);
        _ -> [{exit, Self, Reason}] = events(Q), stop(Q), {Q, normal} = down(RQ)
    end.

exit_to_beam(C, Reason) ->
    P = new(C), V = here(false), W = here(true),
    RV = monitor(process, V), RW = monitor(process, W),
    [ok = ask(P, {exit2, X, Reason}) || X <- [V, W]],
    case Reason of
        normal -> pong = ask(V, fun() -> pong end), exit(V, kill), down(RV);
        kill -> {V, killed} = down(RV);
        _ -> {V, Reason} = down(RV)
    end,
    case Reason of
        kill -> {W, killed} = down(RW);
        _ -> [{'EXIT', P, Reason}] = ask(W, got), exit(W, kill), down(RW)
    end,
    ok = ask(P, {exit2, V, Reason}),
    stop(P).

exit_within_c(C, Reason) ->
    P = new(C), Q = trapping(C), S = new(C),
    R = monitor(process, P),
    [ok = ask(S, {exit2, X, Reason}) || X <- [P, Q]],
    case Reason of
        normal -> pong = ask(P, {echo, pong}), stop(P), {P, normal} = down(R);
        kill -> {P, killed} = down(R);
        _ -> {P, Reason} = down(R)
    end,
    Reason =:= kill orelse begin [{exit, S, Reason}] = events(Q), stop(Q) end,
    stop(S).

%% P (C) - W (BEAM) - Q (C) - ...: the end of one goes through all of them.
a_chain_of_links(C) ->
    Self = self(),
    Ends = lists:foldl(fun(N, [Last | _] = All) ->
                           Next = case N rem 2 of 0 -> new(C); 1 -> here(false) end,
                           case node(Last) of
                               C -> ok = ask(Last, {link, Next});
                               _ -> true = ask(Last, fun() -> link(Next) end)
                           end,
                           [Next | All]
                       end, [new(C)], lists:seq(1, 100)),
    Refs = [{P, monitor(process, P)} || P <- Ends],
    exit(lists:nth(50, Ends), {chain, Self}),
    [{P, {chain, Self}} = down(R) || {P, R} <- Refs],
    ok.

%% ---- link storms

%% Rounds of random links, unlinks, exit signals and ends from both sides at once. Once all is
%% still, what each side's table holds is found by ending the other side, or the connection.
link_storm(C, Seed, Rounds, Chunks) ->
    rand:seed(exsss, Seed),
    [storm_round(C, element(N rem 3 + 1, {end_c, end_beam, disconnect}), Chunks)
     || N <- lists:seq(1, Rounds)],
    ok.

storm_round(C, How, Chunks) ->
    Ps = [trapping(C) || _ <- lists:seq(1, 10)],
    Ws = [here(true) || _ <- lists:seq(1, 10)],
    Refs = [storm_chunk(Ps, Ws) || _ <- lists:seq(1, Chunks)],
    Dying = [{P, cast(P, {exit, storm})} || P <- lists:sublist(Ps, 2)]
        ++ [{W, cast(W, fun() -> exit(storm) end)} || W <- lists:sublist(Ws, 2)],
    More = [storm_chunk(Ps, Ws) || _ <- lists:seq(1, Chunks)],
    {LivingPs, LivingWs} = {lists:nthtail(2, Ps), lists:nthtail(2, Ws)},
    [answer(X, Ref) || {X, Ref} <- lists:append(Refs)],
    [answer(X, Ref) || {X, Ref} <- lists:append(More), not lists:keymember(X, 1, Dying)],
    [receive {Ref, ok} -> ok end || {X, Ref} <- Dying, node(X) =:= C],
    %% Whatever one sent the other is handled before this is answered, both ways.
    [[ask(W, fun() -> [still = ask(P, {echo, still}) || P <- LivingPs] end) || W <- LivingWs]
     || _ <- [there, and_back]],
    [events(P) || P <- LivingPs], [ask(W, got) || W <- LivingWs],
    Table = [{P, W} || W <- LivingWs, P <- links(W)],
    [] = [P || {P, _} <- Table] -- [P || {P, _} <- Table, lists:member(P, LivingPs)],
    storm_end(How, C, LivingPs, LivingWs, lists:sort(Table)),
    [exit(W, kill) || W <- Ws],
    How =:= end_c orelse [stop(P) || P <- LivingPs].

%% Ten operations of each process on any of the other side's; {Process, Ref of its answer}.
storm_chunk(Ps, Ws) ->
    storm_batches(Ps, Ws)
        ++ [{W, cast(W, storm_fun([storm_command(Ps) || _ <- lists:seq(1, 10)]))} || W <- Ws].

storm_batches(Ps, Others) ->
    [{P, cast(P, {batch, [storm_command(Others) || _ <- lists:seq(1, 10)]})} || P <- Ps].

storm_command(Others) ->
    Other = lists:nth(rand:uniform(length(Others)), Others),
    case rand:uniform(20) of
        1 -> {exit2, Other, poke};
        N when N < 11 -> {link, Other};
        _ -> {unlink, Other}
    end.

storm_fun(Commands) ->
    fun() -> [case Command of
                  {link, P} -> link(P);
                  {unlink, P} -> unlink(P);
                  {exit2, P, Reason} -> exit(P, Reason)
              end || Command <- Commands]
    end.

storm_end(end_c, _, Ps, Ws, Table) ->
    [stop(P, {ended, P}) || P <- Ps],
    [[] = links(W) || W <- Ws],
    Told = [{P, W} || W <- Ws, {'EXIT', P, {ended, P}} <- ask(W, got)],
    same(Table, Told);
storm_end(end_beam, _, Ps, Ws, Table) ->
    [exit_with(W, {ended, W}) || W <- Ws],
    Told = [{P, W} || P <- Ps, {exit, W, {ended, W}} <- events(P)],
    same(Table, Told);
storm_end(disconnect, C, Ps, Ws, Table) ->
    true = erlang:disconnect_node(C),
    receive {nodedown, C, _} -> ok end,
    same(Table, [{P, W} || P <- Ps, {lost, W, noconnection} <- events(P)]),
    receive {nodeup, C, _} -> ok end,
    same(Table, [{P, W} || W <- Ws, {'EXIT', P, noconnection} <- ask(W, got)]).

same(Table, Told) ->
    case lists:sort(Told) of
        Table -> ok;
        Sorted -> error({not_told, Table -- Sorted, told_too, Sorted -- Table})
    end.

%% ---- beside a hostile peer (cases/hostile.py)

%% A process here that asks the C node, of this number in its system, all the time, on a connection
%% and of a process that stay.
bystander(C, OsPid) ->
    Parent = self(),
    register(bystander, spawn(fun() -> begin_to_stand_by(C, OsPid, Parent) end)),
    receive {bystander, ready} -> ok end.

begin_to_stand_by(C, OsPid, Parent) ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    Watched = new(C),
    _ = monitor(process, Watched),
    process_flag(trap_exit, true),
    link(Watched),
    Parent ! {bystander, ready},
    try stand_by(C, OsPid, Watched, 0, 0)
    catch _:Why -> receive {From, Ref, end_of_it} -> From ! {Ref, {ended, Why}} end
    end.

stand_by(C, OsPid, Watched, Rounds, Worst) ->
    receive
        {From, Ref, end_of_it} ->
            Last = ask_and_monitor(C, OsPid, Watched),
            [] = events(Watched),
            From ! {Ref, {Rounds + 1, max(Worst, Last)}};
        Other -> exit({bystander, Other})
    after 20 ->
        Took = ask_and_monitor(C, OsPid, Watched),
        stand_by(C, OsPid, Watched, Rounds + 1, max(Worst, Took))
    end.

%% How long the C node worked until it had answered both, in milliseconds: not how long that took on
%% a machine with others at work. (That is limited in ask and down.)
ask_and_monitor(C, OsPid, Watched) ->
    Before = worked_ms(OsPid),
    {echo, Before} = ask(Watched, {echo, {echo, Before}}),
    {{nobody, C}, noproc} = down(monitor(process, {nobody, C})),
    worked_ms(OsPid) - Before.

%% utime and stime of proc(5), in hundredths of a second.
worked_ms(OsPid) ->
    {ok, Stat} = file:read_file("/proc/" ++ integer_to_list(OsPid) ++ "/stat"),
    [_, Fields] = string:split(Stat, ")", trailing),
    [User, System] = lists:sublist(string:lexemes(Fields, " "), 12, 2),
    10 * (binary_to_integer(User) + binary_to_integer(System)).

%% How often it asked, and the longest that the C node worked before it answered.
bystander_saw(_) ->
    {Rounds, Worst} = case ask(bystander, end_of_it) of
                          {ended, Why} -> error(Why);
                          Numbers -> Numbers
                      end,
    {raw, list_to_binary(io_lib:format("~b ~b", [Rounds, Worst]))}.
