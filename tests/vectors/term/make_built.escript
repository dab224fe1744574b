#!/usr/bin/env escript
%% -*- erlang; coding: utf-8 -*-
%% Writes built_otp25.tsv: how a term is built, step by step, a tab, and what term_to_binary writes
%% for it, in hex without the version byte. Chosen terms first, then random ones from a fixed seed.
%% SPDX-License-Identifier: Apache-2.0
%%
%%     escript make_built.escript > built_otp25.tsv
%%
%% The steps: aHEX an atom's text, iN an int64, uN an uint64, dHEX a double's bytes, bHEX a binary,
%% sHEX a string's UTF-8, pHEX,ID,SERIAL,CREATION a pid of the node HEX, n nil, rHEX a term as it
%% stands; T L M begin a tuple, list, map, and . ends it.
-mode(compile).

main([]) ->
    _ = rand:seed(exsss, {25, 2, 3}),
    Terms = chosen() ++ [T || T <- [term(4) || _ <- lists:seq(1, 460)], byte_size(bytes(T)) < 1000],
    [io:put_chars([lists:join($\s, steps(T)), $\t, hex(bytes(T)), $\n]) || T <- Terms, is_ordered(T)].

%% In a map within a key the order of the pairs is the library's own.
is_ordered(M) when is_map(M) -> lists:all(fun({K, V}) -> not has_pairs(K) andalso is_ordered(V) end, maps:to_list(M));
is_ordered(T) when is_tuple(T) -> is_ordered(tuple_to_list(T));
is_ordered([H | T]) -> is_ordered(H) andalso is_ordered(T);
is_ordered(_) -> true.

has_pairs(M) when is_map(M) -> map_size(M) > 1 orelse has_pairs(maps:to_list(M));
has_pairs(T) when is_tuple(T) -> has_pairs(tuple_to_list(T));
has_pairs([H | T]) -> has_pairs(H) orelse has_pairs(T);
has_pairs(_) -> false.

bytes(T) ->
    <<131, Bytes/binary>> = term_to_binary(T, [{minor_version, 2}]),
    Bytes.

hex(Bytes) -> binary:encode_hex(Bytes).

steps(A) when is_atom(A) -> [[$a, hex(atom_to_binary(A))]];
steps(I) when is_integer(I), I >= -(1 bsl 63), I < 1 bsl 63 -> [[$i, integer_to_list(I)]];
steps(I) when is_integer(I), I >= 0, I < 1 bsl 64 -> [[$u, integer_to_list(I)]];
steps(F) when is_float(F) -> [[$d, hex(<<F/float>>)]];
steps(B) when is_binary(B) -> [[$b, hex(B)]];
steps(P) when is_pid(P) ->
    <<88, 119, N, Node:N/binary, Id:32, Serial:32, Creation:32>> = bytes(P),
    [io_lib:format("p~s,~b,~b,~b", [hex(Node), Id, Serial, Creation])];
steps(T) when is_tuple(T) -> ["T" | within(tuple_to_list(T))];
steps([]) -> ["n"];
steps(M) when is_map(M) -> ["M" | within([E || {K, V} <- maps:to_list(M), E <- [K, V]])];
steps(L) when length(L) > 0 ->
    case length(L) rem 2 =:= 0 andalso lists:all(fun is_char/1, L) of
        true -> [[$s, hex(unicode:characters_to_binary(L))]];
        false -> ["L" | within(L)]
    end;
steps(T) -> [[$r, hex(bytes(T))]]. % what the interface can only copy

within(Terms) -> lists:append([steps(T) || T <- Terms]) ++ ["."].

%% A C string ends at a NUL.
is_char(C) -> is_integer(C) andalso ((C > 0 andalso C < 16#d800) orelse (C > 16#dfff andalso C < 16#110000)).

chosen() ->
    Edges = [(1 bsl B) + D || B <- [0, 7, 8, 15, 16, 27, 28, 31, 32, 47, 53, 59, 60, 63], D <- [-1, 0, 1]],
    Fits = [I || I <- Edges ++ [-I || I <- Edges], I >= -(1 bsl 63), I < 1 bsl 64],
    Fits ++ [(1 bsl 64) - 1] ++
    ['', ok, 'é', 'ÿ', '日本', list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(255, 16#1f600)),
     0.0, -0.0, 1.5, -1.0e300, 5.0e-324, 1.7976931348623157e308,
     <<>>, <<"abc">>, <<0, 255>>, <<1:1>>, <<"λ"/utf8>>, binary:copy(<<"x">>, 300),
     {}, {a}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)), list_to_tuple(lists:seq(1, 300)),
     {list_to_tuple(lists:seq(1, 256)), {x}, list_to_tuple(lists:duplicate(256, {y}))},
     [], [[]], [1], [255], [256], [-1], [0, 1, 2], [1, 2, 300], [a, 1], [1, a], [1 | a], [alias | <<"x">>], [[1, 2], [3]],
     "abc", "ab", "é", "aλ", "λaλb", "a\x{10ffff}", [0, 1], [1.0], [$a, 16#d800],
     #{}, #{a => 1}, #{1 => #{2 => [3]}, "k" => v, <<"b">> => {}, [] => 1.5},
     maps:from_list([{I, I} || I <- lists:seq(1, 32)]), #{0.0 => a, 0 => b}, #{{1, a} => x, {1, b} => y},
     pid("a@b", 1, 2, 3), pid("a@b", 16#ffffffff, 16#ffffffff, 16#ffffffff), pid("é@h", 0, 0, 4),
     {badarith, [{m, f, 1, [{file, "m.erl"}, {line, 7}]}]},
     {'EXIT', pid("shop@db1", 100, 0, 77), {error, <<"no">>}}, fun lists:map/2].

pid(Node, Id, Serial, Creation) ->
    N = unicode:characters_to_binary(Node),
    binary_to_term(<<131, 88, 119, (byte_size(N)), N/binary, Id:32, Serial:32, Creation:32>>).

term(0) -> leaf();
term(Depth) ->
    case rand:uniform(8) of
        1 -> list_to_tuple(terms(Depth));
        2 -> terms(Depth);
        3 -> maps:from_list(lists:zip(terms(Depth, 3), terms(Depth, 3)));
        4 -> {leaf(), terms(Depth)};
        _ -> leaf()
    end.

terms(Depth) -> terms(Depth, rand:uniform(5) - 1).
terms(Depth, N) -> [term(Depth - 1) || _ <- lists:seq(1, N)].

leaf() ->
    case rand:uniform(9) of
        1 -> rand:uniform(1000) - 500;
        2 -> rand:uniform(1 bsl rand:uniform(63)) * (1 - 2 * (rand:uniform(2) - 1));
        3 -> rand:normal() * 1.0e9;
        4 -> list_to_atom(chars(rand:uniform(4), [$a, $b, $_, $A, $., 16#e9, 16#3bb, 16#1f600]));
        5 -> lists:nth(rand:uniform(4), [ok, error, undefined, true]);
        6 -> chars(rand:uniform(6), [$a, $b, $\n, 16#e9, 97, 98, 99]);
        7 -> chars(rand:uniform(5), [0, 97, 300, 255, 128, 16#1f600]);
        8 -> list_to_binary(chars(rand:uniform(6), [0, 97, 255, 195, 169]));
        9 -> pid("n@h", rand:uniform(1 bsl 28) - 1, rand:uniform(8), rand:uniform(1 bsl 32) - 1)
    end.

chars(N, From) -> [lists:nth(rand:uniform(length(From)), From) || _ <- lists:seq(1, N)].
