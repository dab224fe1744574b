%% The server of the rows of noex's behaviour (tests/rows): does what it is told. The same as the
%% behaviour of this name in tests/support/cluster_bench.c. SPDX-License-Identifier: Apache-2.0
-module(teller).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init({stop, Reason}) -> {stop, Reason};
init({fail, Text}) -> error(Text);
init(Value) -> {ok, {Value, none}}.

handle_call({reply, Term}, _From, State) -> {reply, Term, State};
handle_call({error, Text}, _From, State) -> {reply, {error, Text}, State};
handle_call({fail, Text}, _From, _State) -> error(Text);
handle_call({stop, Reason}, _From, State) -> {stop, Reason, State};
handle_call(later, From, {Value, _}) -> {noreply, {Value, From}};
handle_call(get, _From, {Value, _} = State) -> {reply, Value, State};
handle_call(_, _From, State) -> {noreply, State}.

handle_cast({set, Value}, {_, From}) -> {noreply, {Value, From}};
handle_cast({stop, Reason}, State) -> {stop, Reason, State};
handle_cast({fail, Text}, _State) -> error(Text);
handle_cast(answer, {_, From} = State) -> gen_server:reply(From, answered), {noreply, State};
handle_cast(_, State) -> {noreply, State}.

handle_info(Message, {_, From}) -> {noreply, {{info, Message}, From}}.
