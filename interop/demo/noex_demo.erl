%% The story that scripts/run shows: worker processes that end in each of the seven ways, one of which
%% comes back. The lines with '#' say what is done; noexmon's lines between them say what it saw.
%% SPDX-License-Identifier: Apache-2.0
-module(noex_demo).

-export([start/0, silent/0]).

-define(PAUSE, 1200).
-define(WORKERS, [import, mailer, cache, orders, billing, web]).

%% -s noex_demo start: waits until all workers are watched, ends them one by one, last the node.
start() ->
    ok = logger:set_primary_config(level, none),
    [start_worker(Name) || Name <- ?WORKERS],
    register(silent, spawn(fun ?MODULE:silent/0)),
    [wait_until_watched(Name) || Name <- ?WORKERS],
    timer:sleep(?PAUSE),
    [step(Text, Action) || {Text, Action} <- story()].

story() ->
    [{"'import' has nothing more to do and returns", tell(import, return)},
     {"'mailer' is stopped by its supervisor", tell(mailer, shutdown)},
     {"'cache' is killed", fun() -> exit(whereis(cache), kill) end},
     {"'cache' is started again, under the same name",
      fun() -> start_worker(cache), wait_until_watched(cache) end},
     {"'orders' calls a server that does not answer", tell(orders, call)},
     {"'billing' divides by zero", tell(billing, {divide_by, 0})},
     {"the whole node goes down; 'cache' and 'web' were still alive",
      fun() -> erlang:halt(0, [{flush, false}]) end}].

step(Text, Action) ->
    io:format("~n# ~ts~n", [Text]),
    timer:sleep(50), % the line is out
    Action(),
    timer:sleep(?PAUSE).

tell(Name, What) -> fun() -> Name ! What end.

start_worker(Name) -> register(Name, spawn(fun worker/0)).

worker() ->
    receive
        return -> ok;
        shutdown -> exit(shutdown);
        call -> gen_server:call(silent, take_order, 100);
        {divide_by, Zero} -> 1 / Zero
    end.

silent() ->
    receive _ -> silent() end.

wait_until_watched(Name) ->
    case erlang:process_info(whereis(Name), monitored_by) of
        {monitored_by, []} -> timer:sleep(20), wait_until_watched(Name);
        {monitored_by, [_ | _]} -> ok
    end.
