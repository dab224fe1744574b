%% The counter of the Monitored Counter as a module: what a BEAM starts where a C node starts its
%% behaviour of this name. SPDX-License-Identifier: Apache-2.0
-module(counter).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init(Name) when is_binary(Name) -> {ok, #{name => Name, value => 0, last_updated => now_text()}};
init(_) -> {stop, <<"a counter needs a name">>}.

handle_call(get, _From, State) -> {reply, maps:with([value], State), State};
handle_call(get_info, _From, State) -> {reply, State, State};
handle_call(_, _From, State) -> {reply, {error, <<"a counter knows get and get_info">>}, State}.

handle_cast({increment, By}, State) -> {noreply, add(By, State)};
handle_cast({decrement, By}, State) -> {noreply, add(-By, State)};
handle_cast(increment, State) -> {noreply, add(1, State)};
handle_cast(decrement, State) -> {noreply, add(-1, State)}.

add(By, #{value := Value} = State) -> State#{value := Value + By, last_updated := now_text()}.

now_text() -> list_to_binary(calendar:system_time_to_rfc3339(erlang:system_time(second), [{offset, "Z"}])).
