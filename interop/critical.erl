%% A service that examples/service_watcher.c keeps alive.
%% SPDX-License-Identifier: Apache-2.0
-module(critical).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init(Args) -> {ok, Args}.
handle_call(Request, _From, State) -> {reply, Request, State}.
handle_cast({stop, Reason}, State) -> {stop, Reason, State}.
