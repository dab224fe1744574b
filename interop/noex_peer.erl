%% The BEAM side of the interop tests: a control channel, and processes that end as they are told.
%% (Not `peer`: that is a module of OTP.) SPDX-License-Identifier: Apache-2.0
-module(noex_peer).
-behaviour(gen_server).

-export([start/0, flush_log/0]).
-export([worker/1, server/1, finish/2, reason_text/1, reason_bytes/1, reason_is/2]).
-export([pid_text/1, high_pid/1, workers/1, names/1, watched/1]).
-export([echo/1, values/0, ending/1, die/0]).
-export([read_texts/1, same_term/2, random_texts/2]).
-export([race_start/2, race_kill/1, watched_from_outside/0, churn/1]).
-export([init/1, handle_call/3, handle_cast/2]).

%% -s noex_peer start: in $NOEX_PEER_DIR, $NOEX_PEER_NAME.log gets the log, $NOEX_PEER_NAME.ready the
%% control port once all runs.
start() ->
    Dir = os:getenv("NOEX_PEER_DIR"),
    Name = os:getenv("NOEX_PEER_NAME"),
    File = fun(Suffix) -> filename:join(Dir, Name ++ Suffix) end,
    ok = logger:add_handler(noex_peer, logger_std_h, #{config => #{file => File(".log")}}),
    Self = self(),
    spawn(fun() -> witness(Self) end),
    receive witness_ready -> ok end,
    spawn(fun() -> control(File(".ready")) end),
    ok.

flush_log() ->
    logger_std_h:filesync(noex_peer).

%% ---- control channel: an expression in, "o" ++ its value or "e" ++ what went wrong out

control(Ready) ->
    {ok, Listen} = gen_tcp:listen(0, [binary, {packet, 4}, {ip, {127, 0, 0, 1}}, {active, false}]),
    {ok, Port} = inet:port(Listen),
    ok = file:write_file(Ready ++ ".new", integer_to_list(Port)),
    ok = file:rename(Ready ++ ".new", Ready),
    accept(Listen).

accept(Listen) ->
    {ok, Socket} = gen_tcp:accept(Listen),
    Pid = spawn(fun() -> receive go -> serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listen).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Text} ->
            ok = gen_tcp:send(Socket, evaluate(Text)),
            serve(Socket);
        {error, _} ->
            ok
    end.

evaluate(Text) ->
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        case erl_eval:exprs(Expressions, erl_eval:new_bindings()) of
            {value, {raw, Value}, _} -> [$o, Value];
            {value, Value, _} -> [$o, printed(Value)]
        end
    catch
        Class:Reason:Stack -> [$e, printed({Class, Reason, Stack})]
    end.

printed(Term) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term])).

%% ---- workers: the witness starts and monitors each, so it knows the exact reason

worker(Name) -> ask({start, Name, fun plain/0}).

server(Name) -> ask({start, Name, server}).

%% Tells a worker how to end; gives its pid.
finish(Name, How) ->
    Pid = ask({pid, Name}),
    case How of
        killed -> exit(Pid, kill);
        _ -> Pid ! {'$gen_cast', How}
    end,
    Pid.

reason_text(Name) -> {raw, printed(ask({reason, Name}))}.

%% The reason's size as distribution encodes it (atoms in UTF-8), without the version byte.
reason_bytes(Name) -> byte_size(term_to_binary(ask({reason, Name}), [{minor_version, 2}])) - 1.

%% Whether Text, parsed, is the reason: for what prints in more than one way (maps).
reason_is(Name, Text) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term =:= ask({reason, Name}).

%% ---- functions to be called

echo(Term) -> Term.

%% One of each type, and each the same whenever it is asked for.
values() ->
    Key = {?MODULE, values},
    persistent_term:get(Key, none) =:= none andalso persistent_term:put(Key, new_values()),
    persistent_term:get(Key).

new_values() ->
    [0, -1, 255, 1 bsl 100, -(1 bsl 70), 0.1, -0.0, 1.0e22, [], {}, <<>>, #{}, "text", [1 | 2],
     [[$a], "\e\n\"", [1046, 1047], [0, 256]], <<"bytes">>, <<0, 255>>, <<5:3>>,
     <<1046/utf8, 1047/utf8>>, '', 'with space', 'it\'s', binary_to_atom(<<1046/utf8>>), true,
     #{key => #{"k" => [1]}}, whereis(noex_witness), make_ref(), hd(erlang:ports()),
     fun lists:map/2, fun() -> ok end].

%% Killed, not ended.
die() ->
    exit(self(), kill),
    receive after infinity -> ok end.

%% ---- texts: terms go as external terms, in hex without the version byte

%% What the release reads from each text, or "error"; a line each.
read_texts(Texts) -> lists:join($\n, [read_text(T) || T <- Texts]).

read_text(Text) ->
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
        Dot = [{dot, erl_anno:new(1)} || element(1, lists:last(Tokens)) =/= dot],
        {ok, Term} = erl_parse:parse_term(Tokens ++ Dot),
        hex(term_bytes(Term))
    catch
        error:_ -> "error"
    end.

same_term(One, Other) -> term_of(One) =:= term_of(Other).

%% Random terms: each printed by ~0tp or so, in hex too, a blank, and the term.
random_texts(Count, Control) ->
    _ = rand:seed(exsss, {Count, length(Control), 3}),
    lists:join($\n, [random_text(Control, random_term(4)) || _ <- lists:seq(1, Count)]).

random_text(Control, Term) ->
    Text = unicode:characters_to_binary(io_lib:format(Control, [Term])),
    [hex(Text), $\s, hex(term_bytes(Term))].

random_term(0) -> random_leaf();
random_term(Depth) ->
    Some = fun(Max) -> lists:seq(1, rand:uniform(Max + 1) - 1) end,
    Terms = fun(Max) -> [random_term(Depth - 1) || _ <- Some(Max)] end,
    case rand:uniform(9) of
        1 -> list_to_tuple(Terms(4));
        2 -> Terms(4);
        3 -> maps:from_list([{random_term(Depth - 1), T} || T <- Terms(3)]);
        4 -> [random_leaf() | random_term(Depth - 1)];
        _ -> random_leaf()
    end.

random_leaf() ->
    case rand:uniform(8) of
        1 -> rand:uniform(1000) - 500;
        2 -> rand:uniform(1 bsl rand:uniform(200)) * (1 - 2 * (rand:uniform(2) - 1));
        3 -> random_float();
        4 -> list_to_atom(some([$a, $b, $_, $@, $A, $9, $., $\s, $', $\\, $\n, 16#e9, 16#3bb]));
        5 -> some([$a, $b, $", $\\, $\n, $\e, 16#e9, $\s, 97, 98, 99]);
        6 -> some([0, 97, 300, 255, 128, 127, 16#1f600]);
        7 -> unicode:characters_to_binary(some([$a, $", $\\, $\n, 16#e9, 16#3bb]));
        8 -> N = rand:uniform(80), <<(rand:uniform(1 bsl N) - 1):N>>
    end.

random_float() ->
    case <<(rand:uniform(1 bsl 64) - 1):64>> of
        <<F/float>> -> F;
        _ -> random_float()
    end.

some(From) ->
    [lists:nth(rand:uniform(length(From)), From) || _ <- lists:seq(1, rand:uniform(7) - 1)].

term_bytes(Term) ->
    <<131, Bytes/binary>> = term_to_binary(Term, [{minor_version, 2}]),
    Bytes.

term_of(Hex) -> binary_to_term(<<131, (binary:decode_hex(Hex))/binary>>).

hex(Bytes) -> string:lowercase(binary:encode_hex(Bytes)).

pid_text(Name) -> {raw, pid_to_list(ask({pid, Name}))}.

%% A worker whose pid number is above 32767, where the release has such pids.
high_pid(Name) ->
    [spawn(fun() -> ok end) || _ <- lists:seq(1, 33000)],
    worker(Name).

%% The workers w1, w2, ...
workers(Count) -> [worker(Name) || Name <- names(Count)].

names(Count) -> [list_to_atom("w" ++ integer_to_list(N)) || N <- lists:seq(1, Count)].

%% Whether each of them has a watcher besides the witness.
watched(Count) ->
    lists:all(fun(Name) ->
                  {monitored_by, Pids} = process_info(whereis(Name), monitored_by),
                  length(Pids) > 1
              end, names(Count)).

%% Fresh processes r1, r2, ...; those behind the first `Killed` live on from round to round.
race_start(Killed, Alive) ->
    [start_racer(N) || N <- lists:seq(1, Killed + Alive)],
    ok.

start_racer(N) ->
    Name = list_to_atom("r" ++ integer_to_list(N)),
    whereis(Name) =:= undefined andalso
        register(Name, spawn(fun() -> receive stop -> ok end end)).

%% All at once; returns when they are gone.
race_kill(Killed) ->
    Pids = [whereis(list_to_atom("r" ++ integer_to_list(N))) || N <- lists:seq(1, Killed)],
    [exit(Pid, kill) || Pid <- Pids],
    [begin R = erlang:monitor(process, Pid), receive {'DOWN', R, _, _, _} -> ok end end
     || Pid <- Pids],
    ok.

%% The processes that somebody on another node monitors.
watched_from_outside() ->
    [P || P <- processes(), {monitored_by, By} <- [process_info(P, monitored_by)],
          lists:any(fun(W) -> is_pid(W) andalso node(W) =/= node() end, By)].

%% Processes c1, c2, ... of which each lives some milliseconds and is replaced at once.
churn(Count) ->
    [spawn(fun() -> replace(list_to_atom("c" ++ integer_to_list(N))) end)
     || N <- lists:seq(1, Count)],
    ok.

replace(Name) ->
    {_, Ref} = spawn_monitor(fun() -> register(Name, self()), timer:sleep(rand:uniform(50)) end),
    receive {'DOWN', Ref, _, _, _} -> replace(Name) end.

ask(Request) ->
    {reply, Reply} = call_witness(Request),
    Reply.

call_witness(Request) ->
    Ref = erlang:monitor(process, noex_witness),
    noex_witness ! {self(), Ref, Request},
    receive
        {Ref, Reply} -> erlang:demonitor(Ref, [flush]), {reply, Reply};
        {'DOWN', Ref, _, _, Reason} -> {error, Reason}
    after 20000 -> {error, timeout}
    end.

witness(Starter) ->
    register(noex_witness, self()),
    Starter ! witness_ready,
    witness(#{}, #{}, []).

%% Pids: name => latest pid. Reasons: pid => reason. Waiting: who asked for a reason too early.
witness(Pids, Reasons, Waiting) ->
    receive
        {From, Ref, {start, Name, Body}} ->
            Pid = start_worker(Name, Body),
            From ! {Ref, Pid},
            witness(Pids#{Name => Pid}, Reasons, Waiting);
        {From, Ref, {pid, Name}} ->
            From ! {Ref, maps:get(Name, Pids)},
            witness(Pids, Reasons, Waiting);
        {From, Ref, {reason, Name}} ->
            Pid = maps:get(Name, Pids),
            case Reasons of
                #{Pid := Reason} ->
                    From ! {Ref, Reason},
                    witness(Pids, Reasons, Waiting);
                #{} ->
                    witness(Pids, Reasons, [{Pid, From, Ref} | Waiting])
            end;
        {'DOWN', _, process, Pid, Reason} ->
            [From ! {Ref, Reason} || {P, From, Ref} <- Waiting, P =:= Pid],
            witness(Pids, Reasons#{Pid => Reason}, [W || {P, _, _} = W <- Waiting, P =/= Pid])
    end.

start_worker(Name, server) ->
    {ok, Pid} = gen_server:start({local, Name}, ?MODULE, [], []),
    erlang:monitor(process, Pid),
    Pid;
start_worker(Name, Body) ->
    {Pid, _} = spawn_monitor(Body),
    true = register(Name, Pid),
    Pid.

plain() ->
    receive
        {'$gen_cast', How} -> ending(How);
        _ -> plain()
    end.

init([]) -> {ok, []}.

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast({stop, Reason}, State) -> {stop, Reason, State};
handle_cast(How, _) -> ending(How).

%% ---- every way to end, protocol.md 15

ending(return) -> ok;
ending(exit_normal) -> exit(normal);
ending(exit_shutdown) -> exit(shutdown);
ending(exit_shutdown_tuple) -> exit({shutdown, {restart, 1}});
ending(exit_kill) -> exit(kill);
ending(exit_noproc) -> exit(noproc);
ending(exit_noconnection) -> exit(noconnection);
ending(exit_timeout) -> exit(timeout);
ending(exit_custom) -> exit(custom);
ending(exit_custom_tuple) -> exit({custom, [{reason, "no more work"}], 'Quoted atom'});
ending(call_timeout) -> gen_server:call(silent(), request, 10);
ending(statem_timeout) -> gen_statem:call(silent(), request, 10);
ending(erpc_timeout) -> erpc:call(node(), timer, sleep, [5000], 10);
ending(call_to_missing) -> gen_server:call(nobody_of_that_name, request);
ending(call_to_killed) ->
    Callee = silent(),
    timer:apply_after(50, erlang, exit, [Callee, kill]),
    gen_server:call(Callee, request);
ending(call_to_shut_down) ->
    Callee = silent(),
    timer:apply_after(50, erlang, exit, [Callee, shutdown]),
    gen_server:call(Callee, request);
ending(badarith) -> 1 / zero();
ending(badmatch) -> 1 = zero();
ending(badarg) -> atom_to_list(zero());
ending(badkey) -> map_get(missing, maps:from_list([]));
ending(undef) -> noex_peer_without:this_function(1, [2]);
ending(function_clause) -> pid_text_of(zero());
ending(error) -> error({boom, 1});
ending(throw) -> throw({oops, "thrown"});
ending(types) ->
    exit({0, -1, 255, 256, 1 bsl 100, -(1 bsl 70), 0.1, 1.0e22, -2.5e-7, [], {}, <<>>, "text",
          [1 | 2], [[]], <<"bytes">>, <<0, 255>>, <<5:3>>, '', 'with space', [a, "b"], true});
ending(unicode) -> exit({unicode, <<"gr\303\274\303\237e">>, "gr\374\337e", 'na\357ve'});
ending(beyond_latin1) ->
    exit({unicode, <<1046/utf8, 1047/utf8>>, [1046, 1047], binary_to_atom(<<1046/utf8>>)});
ending(strings) -> exit({"quote\"s", "tab\tline\n", <<"back\\slash">>, 'it\'s', "a\e\0b"});
ending(a_map) -> exit(#{key => [1, 2], "string" => #{}, 3 => {a, b}});
ending(deep) -> exit(nested(200));
ending(very_deep) -> exit(nested(100000));
ending(megabytes) -> exit({big, binary:copy(<<"0123456789">>, 300000)});
ending({apply, M, F, A}) -> apply(M, F, A).

silent() -> spawn(fun() -> receive never -> ok end end).

zero() -> list_to_integer("0").

pid_text_of(Pid) when is_pid(Pid) -> pid_to_list(Pid).

nested(N) -> lists:foldl(fun(_, Inner) -> {Inner} end, core, lists:seq(1, N)).
