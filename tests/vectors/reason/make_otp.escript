#!/usr/bin/env escript
%% Ends real processes in every way that has a reason of its own and writes what their monitors were
%% told, one case a line: name TAB hex of the external term without its version byte TAB the term as
%% ~0tp prints it. Pids of other nodes are printed with the node's name in place of the number.
%%
%%   ERL_EPMD_PORT=4471 escript make_otp.escript 4471 > otp25.tsv
%%
%% otp25.expected.tsv says for the same cases, by hand: name TAB type TAB message. The script runs an
%% epmd of its own on that port and ends it. SPDX-License-Identifier: Apache-2.0
%%! -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}
-module(reasons).
-mode(compile).
-export([main/1, init/1, handle_call/3, handle_cast/2, handle_info/2, handle_event/2, handle_call/2,
         handle_event/4, callback_mode/0, div_by/1]).

-define(NODE, 'reason@127.0.0.1').

main([EpmdPort]) ->
    Epmd = open_port({spawn_executable, os:find_executable("epmd")},
                     [{args, ["-port", EpmdPort, "-address", "127.0.0.1"]}]),
    {os_pid, EpmdPid} = erlang:port_info(Epmd, os_pid),
    timer:sleep(500),
    try run() after os:cmd("kill " ++ integer_to_list(EpmdPid)) end.

run() ->
    {ok, _} = net_kernel:start(?NODE, #{name_domain => longnames}),
    logger:set_primary_config(level, none),
    io:setopts([{encoding, utf8}]),
    [line(Name, Case()) || {Name, Case} <- cases()],
    erlang:system_flag(backtrace_depth, 0),
    [line(Name, Case()) || {Name, Case} <- cases_of_depth_0()].

line(Name, Reason) ->
    <<131, Term/binary>> = term_to_binary(Reason),
    Text = lists:foldl(fun with_node/2, io_lib:format("~0tp", [Reason]), far_pids(Reason)),
    io:format("~s\t~s\t~ts~n", [Name, string:lowercase(binary:encode_hex(Term)), Text]).

with_node(Pid, Text) ->
    "<" ++ Printed = pid_to_list(Pid),
    Numbers = lists:dropwhile(fun(C) -> C =/= $. end, Printed),
    string:replace(Text, "<" ++ Printed, "<" ++ atom_to_list(node(Pid)) ++ Numbers, all).

far_pids(Pid) when is_pid(Pid), node(Pid) =/= node() -> [Pid];
far_pids(Tuple) when is_tuple(Tuple) -> far_pids(tuple_to_list(Tuple));
far_pids([Head | Tail]) -> far_pids(Head) ++ far_pids(Tail);
far_pids(_) -> [].

%%% Ways to end

down(Fun) ->
    {Pid, Ref} = spawn_monitor(Fun),
    reason(Pid, Ref).

reason(Pid, Ref) ->
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason after 10000 -> exit({no_down, Pid}) end.

exits(Reason) -> down(fun() -> exit(Reason) end).
errors(Reason) -> down(fun() -> erlang:error(Reason) end).

%% The reason of a process that Start made, after Act.
down(Start, Act) ->
    process_flag(trap_exit, true),
    {ok, Pid} = Start(),
    Ref = monitor(process, Pid),
    catch Act(Pid),
    reason(Pid, Ref).

server() -> gen_server:start(?MODULE, server, []).
server_down(Act) -> down(fun server/0, Act).
server_told(Request) -> server_down(fun(Pid) -> gen_server:cast(Pid, Request) end).
statem() -> gen_statem:start(?MODULE, statem, []).
statem_down(Act) -> down(fun statem/0, Act).
events() ->
    {ok, Pid} = gen_event:start(),
    ok = gen_event:add_handler(Pid, ?MODULE, event),
    {ok, Pid}.

%% A child of a supervisor that Act ends.
child_down(Shutdown, Child, Act) ->
    process_flag(trap_exit, true),
    {ok, Sup} = supervisor:start_link(?MODULE, {sup, Shutdown, Child}),
    [{_, Pid, _, _}] = supervisor:which_children(Sup),
    Ref = monitor(process, Pid),
    Act(Sup),
    reason(Pid, Ref).

%% A caller whose server does Request to itself meanwhile.
caller_down(Module, {ok, Pid}, Request) -> down(fun() -> Module:call(Pid, Request) end).

%% Another node, to be lost, and a process there that never answers.
peer() ->
    {ok, Peer, Node} = peer:start(#{name => peer:random_name("gone"), host => "127.0.0.1",
                                    longnames => true, connection => standard_io,
                                    args => ["-start_epmd", "false", "-kernel",
                                             "inet_dist_use_interface", "{127,0,0,1}"]}),
    {Peer, erpc:call(Node, erlang, spawn, [timer, sleep, [infinity]])}.

lose(Peer, Pid) ->
    erpc:cast(node(Pid), erlang, halt, []),
    catch peer:stop(Peer).

sleep() -> receive after infinity -> ok end.

%% A fun whose module is gone; made elsewhere, for the purge ends whoever holds it.
lost_fun() ->
    Forms = [{attribute, 1, module, gone}, {attribute, 2, export, [{make, 0}]},
             {function, 3, make, 0,
              [{clause, 3, [], [],
                [{'fun', 3, {clauses, [{clause, 3, [{var, 3, '_'}], [], [{atom, 3, ok}]}]}}]}]}],
    {ok, gone, Code} = compile:forms(Forms),
    {module, gone} = code:load_binary(gone, "gone", Code),
    {made, Fun} = down(fun() -> exit({made, term_to_binary(gone:make())}) end),
    true = code:delete(gone),
    code:purge(gone),
    binary_to_term(Fun).

id(X) -> X.
only_atoms(A) when is_atom(A) -> A.
div_by(N) -> 1 div N.

%%% Callbacks of one module for all behaviours

init(server) -> {ok, state};
init(event) -> {ok, state};
init(statem) -> {ok, state, data};
init({sup, Shutdown, Child}) ->
    {ok, {#{intensity => 0}, [#{id => child, start => {erlang, apply, [Child, []]},
                                shutdown => Shutdown}]}}.

handle_call(forever, _From, State) -> {noreply, State};
handle_call({do, Fun}, _From, State) -> {reply, Fun(), State};
handle_call({return, What}, _From, _State) -> What.

handle_cast({do, Fun}, State) -> Fun(), {noreply, State};
handle_cast({return, What}, _State) -> What.

handle_info(_, State) -> {noreply, State}.

handle_event(_, State) -> {ok, State}.
handle_call(Request, State) -> gen_event_call(Request, State).

gen_event_call({sleep, Ms}, State) -> timer:sleep(Ms), {ok, ok, State};
gen_event_call({kill, Reason}, _State) -> exit(self(), Reason), timer:sleep(infinity).

callback_mode() -> handle_event_function.
handle_event(_, {do, Fun}, _, _) -> Fun(), keep_state_and_data;
handle_event(_, {return, What}, _, _) -> What;
handle_event(_, _, _, _) -> keep_state_and_data.

%%% Cases

cases() ->
    endings() ++ errors() ++ throws() ++ timeouts() ++ failed_calls() ++ lost_nodes() ++ customs().

endings() ->
    [{"returned", fun() -> down(fun() -> ok end) end},
     {"exit_normal", fun() -> exits(normal) end},
     {"gen_server_stop", fun() -> server_down(fun gen_server:stop/1) end},
     {"gen_server_stop_normal", fun() -> server_told({return, {stop, normal, s}}) end},
     {"gen_server_stop_other", fun() -> server_told({return, {stop, other, s}}) end},
     {"gen_server_stop_shutdown_term", fun() -> server_told({return, {stop, {shutdown, idle}, s}}) end},
     {"gen_statem_stop_normal", fun() -> statem_down(fun(P) -> gen_statem:cast(P, {return, stop}) end) end},
     {"gen_statem_stop_other",
      fun() -> statem_down(fun(P) -> gen_statem:cast(P, {return, {stop, {other, 7}}}) end) end},
     {"gen_event_stop", fun() -> down(fun events/0, fun gen_event:stop/1) end},
     {"exit_shutdown", fun() -> exits(shutdown) end},
     {"exit_shutdown_signal",
      fun() -> down(fun() -> {ok, spawn(fun sleep/0)} end, fun(P) -> exit(P, shutdown) end) end},
     {"exit_shutdown_term", fun() -> exits({shutdown, {tcp_closed, 42}}) end},
     {"exit_shutdown_text", fun() -> exits({shutdown, "max restarts\nreached"}) end},
     {"supervisor_stopped",
      fun() -> down(fun() -> supervisor:start_link(?MODULE, {sup, 100, fun server/0}) end,
                    fun(P) -> exit(P, shutdown) end) end},
     {"supervisor_gave_up",
      fun() -> down(fun() -> supervisor:start_link(?MODULE, {sup, 100, fun linked_server/0}) end,
                    fun(P) -> [{_, C, _, _}] = supervisor:which_children(P), exit(C, kill) end) end},
     {"supervisor_child_stopped",
      fun() -> child_down(1000, fun linked_server/0, fun(S) -> supervisor:terminate_child(S, child) end) end},
     {"supervisor_brutal_kill",
      fun() -> child_down(brutal_kill, fun linked_server/0,
                          fun(S) -> supervisor:terminate_child(S, child) end) end},
     {"supervisor_shutdown_timeout",
      fun() -> child_down(50, fun stubborn/0, fun(S) -> supervisor:terminate_child(S, child) end) end},
     {"supervisor_child_failed_to_start",
      fun() -> down(fun() -> {ok, spawn(fun() ->
                         supervisor:start_link(?MODULE, {sup, 50, fun() -> {error, eaddrinuse} end}),
                         sleep() end)} end, fun(_) -> ok end) end},
     {"exit_kill_signal",
      fun() -> down(fun() -> {ok, spawn(fun sleep/0)} end, fun(P) -> exit(P, kill) end) end},
     {"exit_kill_itself", fun() -> exits(kill) end},
     {"exit_killed_itself", fun() -> exits(killed) end},
     {"linked_to_killed",
      fun() -> down(fun() -> exit(spawn_link(fun sleep/0), kill), sleep() end) end},
     {"linked_to_crashed",
      fun() -> down(fun() -> spawn_link(fun() -> div_by(0) end), sleep() end) end},
     {"max_heap_size",
      fun() -> down(fun() -> process_flag(max_heap_size, #{size => 1000, kill => true, error_logger => false}),
                             id(lists:seq(1, 100000)), sleep() end) end},
     {"monitor_of_a_dead_process",
      fun() -> P = spawn(fun() -> ok end), timer:sleep(50), reason(P, monitor(process, P)) end},
     {"exit_noproc", fun() -> exits(noproc) end},
     {"exit_noconnection", fun() -> exits(noconnection) end}].

linked_server() -> gen_server:start_link(?MODULE, server, []).
stubborn() -> {ok, spawn_link(fun() -> process_flag(trap_exit, true), stay() end)}.
stay() -> receive _ -> stay() end.

errors() ->
    [{"badarith", fun() -> down(fun() -> div_by(0) end) end},
     {"badmatch", fun() -> down(fun() -> {ok, _} = id(error) end) end},
     {"badmatch_of_a_string", fun() -> down(fun() -> ok = id("two words") end) end},
     {"case_clause", fun() -> down(fun() -> case self() of none -> ok end end) end},
     {"if_clause", fun() -> down(fun() -> if self() =:= none -> ok end end) end},
     {"try_clause", fun() -> down(fun() -> try div_by(1) of 2 -> ok catch _ -> ok end end) end},
     {"function_clause", fun() -> down(fun() -> only_atoms(id(1)) end) end},
     {"function_clause_args_are_bytes", fun() -> down(fun() -> lists:nth(0, [1, 2]), ok end) end},
     {"function_clause_args_as_a_string",
      fun() -> down(fun() -> lists:sublist(1, 0) end) end},
     {"undef", fun() -> down(fun() -> apply(no_such_module, no_such_function, [#{}, <<1:3>>]) end) end},
     {"undef_spawned", fun() -> {P, R} = spawn_monitor(no_such_module, start, [a, 1]), reason(P, R) end},
     {"undef_lost_fun", fun() -> F = lost_fun(), down(fun() -> F(1), ok end) end},
     {"badarg", fun() -> down(fun() -> id(atom_to_list(id(1))) end) end},
     {"badarg_with_error_info", fun() -> down(fun() -> ets:lookup(no_such_table, k), ok end) end},
     {"badarg_of_send", fun() -> down(fun() -> no_such_name ! hello end) end},
     {"badfun", fun() -> down(fun() -> F = id(f), F(), ok end) end},
     {"badarity", fun() -> down(fun() -> F = fun ?MODULE:div_by/1, F(), ok end) end},
     {"badkey", fun() -> down(fun() -> id(maps:get(k, id(#{a => 1}))) end) end},
     {"badmap", fun() -> down(fun() -> id(maps:get(k, id(no_map))) end) end},
     {"badrecord", fun() -> down(fun() -> erlang:error({badrecord, {r, 1}}) end) end},
     {"bad_generator", fun() -> down(fun() -> [X || X <- id(no_list)], ok end) end},
     {"bad_filter", fun() -> down(fun() -> [X || X <- [1], id(yes)], ok end) end},
     {"andalso_badarg", fun() -> down(fun() -> id(yes) andalso true, ok end) end},
     {"system_limit", fun() -> down(fun() -> id(list_to_atom(lists:duplicate(260, $x))) end) end},
     {"timeout_value", fun() -> down(fun() -> receive after id(soon) -> ok end end) end},
     {"error_boom", fun() -> errors(boom) end},
     {"error_timeout", fun() -> errors(timeout) end},
     {"error_normal", fun() -> errors(normal) end},
     {"error_shutdown", fun() -> errors(shutdown) end},
     {"error_killed", fun() -> errors(killed) end},
     {"error_noproc", fun() -> errors(noproc) end},
     {"error_tuple", fun() -> errors({enoent, "/etc/no such file"}) end},
     {"error_map", fun() -> errors(#{code => 7, 'why now' => <<"late">>}) end},
     {"error_binary", fun() -> errors(<<"caf", 195, 169>>) end},
     {"error_with_args", fun() -> down(fun() -> erlang:error(boom, [self(), 1.5, "text"]) end) end},
     {"error_of_two_lines", fun() -> errors("first\nsecond\e[31m") end},
     {"error_unicode_atom", fun() -> errors('na\x{ef}ve \x{43f}\x{440}\x{438}') end},
     {"gen_server_badmatch",
      fun() -> server_told({do, fun() -> {ok, _} = id(error) end}) end},
     {"gen_server_unknown_request", fun() -> server_told(unknown) end},
     {"gen_statem_badarith", fun() -> statem_down(fun(P) -> gen_statem:cast(P, {do, fun() -> div_by(0) end}) end) end},
     {"gen_statem_bad_return", fun() -> statem_down(fun(P) -> gen_statem:cast(P, {return, nonsense}) end) end},
     {"proc_lib_badarith", fun() -> down(fun() -> {ok, proc_lib:spawn(fun() -> timer:sleep(50), div_by(0) end)} end,
                                         fun(_) -> ok end) end},
     {"raised_without_stack", fun() -> down(fun() -> erlang:raise(error, badarith, []) end) end},
     {"raised_boom_without_stack", fun() -> down(fun() -> erlang:raise(error, boom, []) end) end},
     {"deep_stack", fun() -> down(fun() -> deep(30) end) end}].

deep(0) -> erlang:error(bottom);
deep(N) -> 1 + deep(N - 1).

throws() ->
    [{"throw", fun() -> down(fun() -> throw(oops) end) end},
     {"throw_tuple", fun() -> down(fun() -> throw({oops, [1, 2, 3]}) end) end},
     {"gen_server_throw", fun() -> server_told({do, fun() -> throw(oops) end}) end},
     {"gen_server_bad_return", fun() -> server_told({return, nonsense}) end},
     {"gen_server_bad_return_list", fun() -> server_told({return, []}) end},
     {"gen_server_bad_return_call",
      fun() -> server_down(fun(P) -> gen_server:call(P, {return, {m, f, []}}) end) end},
     {"gen_statem_throw",
      fun() -> statem_down(fun(P) -> gen_statem:cast(P, {do, fun() -> throw(oops) end}) end) end}].

timeouts() ->
    [{"exit_timeout", fun() -> exits(timeout) end},
     {"gen_server_call_timeout",
      fun() -> {ok, P} = server(), down(fun() -> gen_server:call(P, forever, 20) end) end},
     {"gen_server_call_timeout_request_of_all_kinds",
      fun() -> {ok, P} = statem(),
               down(fun() -> gen_server:call(P, {[fun sleep/0, #{1 => 2}, <<5:4>>, make_ref(), P | {}],
                                                 hd(erlang:ports()), -1.0e300, -(1 bsl 70)}, 20) end) end},
     {"gen_server_call_timeout_by_name",
      fun() -> {ok, P} = server(), register(slow, P),
               down(fun() -> gen_server:call(slow, forever, 20) end) end},
     {"gen_server_call_timeout_inside_gen_server",
      fun() -> {ok, P} = server(), server_told({do, fun() -> gen_server:call(P, forever, 20) end}) end},
     {"gen_statem_call_timeout",
      fun() -> {ok, P} = statem(), down(fun() -> gen_statem:call(P, forever, 20) end) end},
     {"gen_statem_call_clean_timeout",
      fun() -> {ok, P} = statem(), down(fun() -> gen_statem:call(P, forever, {clean_timeout, 20}) end) end},
     {"gen_event_call_timeout",
      fun() -> {ok, P} = events(), down(fun() -> gen_event:call(P, ?MODULE, {sleep, 500}, 20) end) end},
     {"gen_server_stop_timeout",
      fun() -> {ok, P} = server(), gen_server:cast(P, {do, fun() -> timer:sleep(500) end}),
               down(fun() -> gen_server:stop(P, normal, 20) end) end},
     {"sys_get_state_timeout",
      fun() -> {ok, P} = server(), gen_server:cast(P, {do, fun() -> timer:sleep(500) end}),
               down(fun() -> sys:get_state(P, 20) end) end},
     {"erpc_call_timeout",
      fun() -> down(fun() -> erpc:call(node(), timer, sleep, [500], 20) end) end},
     {"timeout_with_arguments_as_a_string", fun() -> exits({timeout, {m, f, [1, 0]}}) end},
     {"timeout_without_arguments", fun() -> exits({timeout, {m, f, []}}) end},
     {"timeout_with_a_stack", fun() -> errors({timeout, {m, f, []}}) end},
     {"timeout_arity_is_no_argument_list", fun() -> exits({timeout, {m, f, 2}}) end},
     {"timeout_of_something_else", fun() -> exits({timeout, 5000}) end}].

failed_calls() ->
    [{"gen_server_call_noproc",
      fun() -> down(fun() -> gen_server:call(no_such_server, hello) end) end},
     {"gen_server_call_dead_pid",
      fun() -> P = spawn(fun() -> ok end), timer:sleep(50), down(fun() -> gen_server:call(P, "hi", infinity) end) end},
     {"gen_statem_call_noproc", fun() -> down(fun() -> gen_statem:call(no_such_server, hello) end) end},
     {"gen_event_call_noproc", fun() -> down(fun() -> gen_event:call(no_such_server, handler, hello) end) end},
     {"gen_server_stop_noproc", fun() -> down(fun() -> gen_server:stop(no_such_server) end) end},
     {"gen_server_call_itself", fun() -> server_told({do, fun() -> gen_server:call(self(), hello) end}) end},
     {"gen_server_call_via_global", fun() -> down(fun() -> gen_server:call({global, "no one"}, hello) end) end},
     {"gen_server_call_unreachable_node",
      fun() -> down(fun() -> gen_server:call({server, 'nobody@127.0.0.1'}, hello) end) end},
     {"callee_stopped_normal", fun() -> {ok, P} = server(),
                                        down(fun() -> gen_server:call(P, {return, {stop, normal, s}}) end) end},
     {"callee_stopped_shutdown", fun() -> caller_down(gen_server, server(), {return, {stop, shutdown, s}}) end},
     {"callee_stopped_shutdown_term",
      fun() -> caller_down(gen_server, server(), {return, {stop, {shutdown, idle}, s}}) end},
     {"callee_killed", fun() -> caller_down(gen_server, server(), {do, fun() -> exit(self(), kill) end}) end},
     {"callee_badarith", fun() -> caller_down(gen_server, server(), {do, fun() -> div_by(0) end}) end},
     {"callee_threw", fun() -> caller_down(gen_server, server(), {return, nonsense}) end},
     {"callee_stopped_other", fun() -> caller_down(gen_server, server(), {return, {stop, {other, 1}, s}}) end},
     {"callee_call_timeout",
      fun() -> {ok, Slow} = server(),
               caller_down(gen_server, server(), {do, fun() -> gen_server:call(Slow, forever, 20) end}) end},
     {"callee_call_noproc",
      fun() -> caller_down(gen_server, server(), {do, fun() -> gen_server:call(no_such_server, hello) end}) end},
     {"callee_of_callee_badmatch",
      fun() -> {ok, Deep} = server(),
               caller_down(gen_server, server(),
                           {do, fun() -> gen_server:call(Deep, {do, fun() -> ok = id(no) end}) end}) end},
     {"statem_callee_badarith", fun() -> caller_down(gen_statem, statem(), {do, fun() -> div_by(0) end}) end},
     {"event_callee_killed",
      fun() -> {ok, P} = events(), down(fun() -> gen_event:call(P, ?MODULE, {kill, kill}) end) end},
     {"erpc_badarith", fun() -> down(fun() -> erpc:call(node(), ?MODULE, div_by, [0]) end) end},
     {"erpc_erpc_badarith",
      fun() -> down(fun() -> erpc:call(node(), erpc, call, [node(), ?MODULE, div_by, [0]]) end) end},
     {"erpc_exit", fun() -> down(fun() -> erpc:call(node(), erlang, exit, [boom]) end) end},
     {"erpc_throw", fun() -> down(fun() -> erpc:call(node(), erlang, throw, [oops]) end) end},
     {"erpc_undef", fun() -> down(fun() -> erpc:call(node(), no_such_module, f, [1]) end) end},
     {"erpc_noconnection", fun() -> down(fun() -> erpc:call('nobody@127.0.0.1', erlang, node, []) end) end},
     {"erpc_badarg", fun() -> down(fun() -> erpc:call("no atom", erlang, node, []) end) end}].

lost_nodes() ->
    [{"node_lost", fun() ->
         {Peer, Pid} = peer(),
         Ref = monitor(process, Pid),
         lose(Peer, Pid),
         reason(Pid, Ref) end},
     {"linked_to_a_lost_node",
      fun() -> down_with_the_node(fun(Pid) -> link(Pid), sleep() end) end},
     {"callee_on_a_lost_node", fun() -> down_with_the_node(fun(Pid) -> gen_server:call(Pid, forever) end) end},
     {"erpc_to_a_lost_node",
      fun() -> down_with_the_node(fun(Pid) -> erpc:call(node(Pid), timer, sleep, [60000]) end) end},
     {"call_timeout_to_another_node", fun() ->
         {Peer, Pid} = peer(),
         Reason = down(fun() -> gen_server:call(Pid, forever, 50) end),
         lose(Peer, Pid),
         Reason end}].

down_with_the_node(Fun) ->
    {Peer, Pid} = peer(),
    {Local, Ref} = spawn_monitor(fun() -> Fun(Pid) end),
    timer:sleep(100),
    lose(Peer, Pid),
    reason(Local, Ref).

customs() ->
    [{"custom_" ++ Name, fun() -> exits(Reason) end}
     || {Name, Reason} <-
            [{"atom", boom}, {"atom_undef", undef}, {"atom_badarg", badarg}, {"empty_atom", ''},
             {"argument_list_decode_failure", argument_list_decode_failure},
             {"tuple", {a, b, c}}, {"pair", {boom, 42}}, {"empty_tuple", {}},
             {"pair_with_empty_list", {boom, []}}, {"pair_with_list", {boom, [1, 2, 300]}},
             {"pair_with_string", {boom, "text"}}, {"badmatch_without_stack", {badmatch, 1}},
             {"badarith_with_empty_list", {badarith, []}}, {"badarith_with_string", {badarith, "text"}},
             {"nodedown", {nodedown, 'a@b'}}, {"noproc_pair", {noproc, 1}},
             {"noconnection_pair", {noconnection, x}}, {"normal_pair", {normal, x}},
             {"killed_pair", {killed, x}}, {"shutdown_triple", {shutdown, 1, 2}},
             {"erpc_timeout_without_stack", {{erpc, timeout}, nostack}},
             {"erpc_timeout_with_empty_stack", {{erpc, timeout}, []}},
             {"stack_of_a_fun", {boom, [{fun lists:map/2, [1, 0], []}]}},
             {"stack_with_argument_string", {boom, [{m, f, [1, 0], [{file, "m.erl"}, {line, 3}]}]}},
             {"stack_with_maps", {boom, [{m, f, [#{k => [#{}]}, <<1:3>>], [{error_info, #{cause => x}}]}]}},
             {"no_stack_a_pair", {boom, [{m, 1}]}},
             {"no_stack_arity_is_an_atom", {boom, [{m, f, a, []}]}},
             {"no_stack_location_is_an_atom", {boom, [{m, f, 1, nowhere}]}},
             {"no_stack_module_is_a_string", {boom, [{"m", f, 1, []}]}},
             {"improper_list", [a | b]}, {"integer", 42}, {"big", 1 bsl 100}, {"float", 1.5},
             {"string", "a reason\nof two lines"}, {"binary", <<"bytes", 0, 255>>},
             {"empty_list", []}, {"map", #{why => late}}, {"pid", list_to_pid("<0.7.0>")},
             {"quoted_atom", 'Not Found'}, {"bad_return_value", {bad_return_value, {ok, 1}}},
             {"exception_map_without_struct", #{'__exception__' => true}}]].

cases_of_depth_0() ->
    [{"backtrace_depth_0_badarith", fun() -> down(fun() -> div_by(0) end) end},
     {"backtrace_depth_0_badmatch", fun() -> down(fun() -> {ok, _} = id(error) end) end},
     {"backtrace_depth_0_throw", fun() -> down(fun() -> throw(oops) end) end},
     {"backtrace_depth_0_boom", fun() -> errors(boom) end},
     {"backtrace_depth_0_erpc_timeout",
      fun() -> down(fun() -> erpc:call(node(), timer, sleep, [500], 20) end) end}].
