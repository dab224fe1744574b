%% What goes over one connection: atoms without end, big messages both ways and small ones between
%% them; scenarios as those of noex_citizen. SPDX-License-Identifier: Apache-2.0
-module(noex_traffic).

-compile([export_all, nowarn_export_all]).
-import(noex_citizen, [ask/2, answer/2, new/1, stop/1]).

%% ---- terms

%% More atoms than a cache has slots, so that they take each other's; some that are long, or not of
%% Latin letters.
pool() ->
    list_to_tuple(['', true, undefined, node()]
                  ++ [list_to_atom("traffic_" ++ integer_to_list(I)) || I <- lists:seq(1, 2500)]
                  ++ [list_to_atom(lists:duplicate(200 + I, 16#20ac)) || I <- lists:seq(1, 55)]
                  ++ [list_to_atom([16#e4, $0 + I]) || I <- lists:seq(1, 9)]).

atom_of(Pool) -> element(rand:uniform(tuple_size(Pool)), Pool).

atoms_of(Pool, N) -> [atom_of(Pool) || _ <- lists:seq(1, N)].

term_of(Pool, 0) -> atom_of(Pool);
term_of(Pool, Depth) ->
    Some = fun() -> term_of(Pool, rand:uniform(Depth) - 1) end,
    case rand:uniform(12) of
        1 -> list_to_tuple([Some() || _ <- lists:seq(1, rand:uniform(9))]);
        2 -> [Some() | Some()];
        3 -> #{Some() => Some(), Some() => Some()};
        4 -> A = Some(), B = Some(), fun(C) -> {A, B, C, captured} end;
        5 -> fun lists:map/2;
        6 -> {self(), make_ref(), hd(erlang:ports())};
        7 -> <<1, 2, 3:5>>;
        8 -> {rand:uniform(1 bsl 80), -1.5, "a string", <<"a binary">>};
        9 -> atoms_of(Pool, rand:uniform(300)); %% a header holds 255
        _ -> [Some() || _ <- lists:seq(1, rand:uniform(9))]
    end.

%% ---- scenarios

%% Small terms at random there and back; the caches of both sides turn over many times.
terms(C) ->
    Pool = pool(),
    P = new(C),
    [begin T = term_of(Pool, 5), {T, T} = {T, ask(P, {echo, T})} end || _ <- lists:seq(1, 2000)],
    stop(P).

%% Terms of fragments made of atoms, from several processes and to several processes at once, and
%% small ones of other atoms between them, none of which waits for the end of the big ones.
big_both_ways(C) ->
    Pool = pool(),
    Small = new(C),
    Bigs = [new(C) || _ <- lists:seq(1, 5)],
    Self = self(),
    Sent = [{P, {I, atoms_of(Pool, 200000), binary:copy(<<I>>, 12000000), term_of(Pool, 6)}}
            || {I, P} <- lists:zip(lists:seq(1, 5), Bigs)],
    Askers = [spawn_link(fun() -> Self ! {self(), ask(P, {echo, T}) =:= T} end) || {P, T} <- Sent],
    Meanwhile = small_ones(Small, Pool, Askers, 0),
    {true, _} = {Meanwhile > length(Bigs), Meanwhile},
    [stop(P) || P <- [Small | Bigs]].

%% How many small ones came back before the last big one.
small_ones(_, _, [], Count) -> Count;
small_ones(Small, Pool, Askers, Count) ->
    T = {length(Askers), term_of(Pool, 3)},
    T = ask(Small, {echo, T}),
    Left = receive {Asker, Same} -> true = Same, Askers -- [Asker] after 0 -> Askers end,
    small_ones(Small, Pool, Left, Count + 1).

%% One of 64 MB there and back.
sixty_four_megabytes(C) ->
    P = new(C),
    T = {binary:copy(<<"0123456789abcdef">>, 4000000), [behind | it]},
    {T, T} = {T, ask(P, {echo, T})},
    stop(P).

%% What one process sends arrives in its order, big or not, and that of another meanwhile.
order(C) ->
    P = new(C), Q = new(C),
    Big = binary:copy(<<"big">>, 5000000),
    Messages = [{p, 1, Big}, {p, 2}, {p, 3, [Big, Big]}, {p, 4}, {p, 5}],
    Self = self(),
    spawn_link(fun() -> [ok = ask(P, {send, Self, M}) || M <- Messages], Self ! p_done end),
    spawn_link(fun() -> [ok = ask(Q, {send, Self, {q, N}}) || N <- lists:seq(1, 300)],
                        Self ! q_done end),
    Received = until_done([p_done, q_done], []),
    Messages = [M || M <- Received, element(1, M) =:= p],
    Numbers = lists:seq(1, 300),
    Numbers = [N || {q, N} <- Received],
    stop(P), stop(Q).

until_done([], Received) -> lists:reverse(Received);
until_done(Waited, Received) ->
    receive
        Done when is_atom(Done) -> until_done(Waited -- [Done], Received);
        M -> until_done(Waited, [M | Received])
    after 60000 -> error({still_waiting_for, Waited})
    end.
