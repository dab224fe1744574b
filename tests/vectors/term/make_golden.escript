#!/usr/bin/env escript
%% -*- erlang; coding: utf-8 -*-
%% Writes print_otp25.tsv: a term without its version byte in hex, a tab, and what ~0tp prints for it.
%% Chosen terms first, then random ones from a fixed seed, so that a second run on the same release
%% writes the same file. SPDX-License-Identifier: Apache-2.0
%%
%%     escript make_golden.escript > print_otp25.tsv
-mode(compile).

main([]) ->
    ok = io:setopts([{encoding, latin1}]),
    _ = rand:seed(exsss, {25, 2, 3}),
    Seen = lists:foldl(fun line/2, #{}, chosen() ++ floats() ++ random(650)),
    io:format(standard_error, "~b lines~n", [map_size(Seen)]).

line({raw, Bytes}, Seen) ->
    Text = unicode:characters_to_binary(print(binary_to_term(<<131, Bytes/binary>>))),
    put_line(Bytes, Text, Seen);
line({'fun', Bytes}, Seen) ->
    %% The emulator prints a fun's names as UTF-8, of which OTP 25 makes a character from each byte.
    put_line(Bytes, iolist_to_binary(print(binary_to_term(<<131, Bytes/binary>>))), Seen);
line({term, Term}, Seen) ->
    <<131, Bytes/binary>> = term_to_binary(Term, [{minor_version, 2}]),
    put_line(Bytes, unicode:characters_to_binary(print(Term)), Seen).

print(Term) -> io_lib:format("~0tp", [Term]).

put_line(Bytes, _Text, Seen) when is_map_key(Bytes, Seen) ->
    Seen;
put_line(Bytes, Text, Seen) ->
    ok = file:write(standard_io, [binary:encode_hex(Bytes), $\t, Text, $\n]),
    Seen#{Bytes => true}.

chosen() ->
    [{term, T} || T <- atoms() ++ integers() ++ strings() ++ binaries() ++ containers() ++ reasons()]
        ++ [{'fun', B} || B <- funs()] ++ [{raw, B} || B <- identifiers() ++ odd_encodings()].

atoms() ->
    Reserved = ['after', 'and', 'andalso', 'band', 'begin', 'bnot', 'bor', 'bsl', 'bsr', 'bxor', 'case',
                'catch', 'cond', 'div', 'end', 'fun', 'if', 'let', 'not', 'of', 'or', 'orelse',
                'receive', 'rem', 'try', 'when', 'xor', ends, andals, ift],
    Odd = ['', a, 'A', '_', a_b, 'a@b', '@', 'a.b', 'a-b', 'a b', '1', a1, 'aB', 'Elixir.Foo.Bar', 'ok?',
           'it\'s', '\'', '"', '\\', 'a\\b', 'a"b', nonode@nohost, 'é', 'É', 'aÀÖØÞßöøÿ', 'a×', 'a÷', '÷a', 'ÿ', 'ß',
           '日本', 'a日', '😀', 'λ', 'aλ', 'x\x{a0}y', 'x\x{ad}', '\x{2028}', list_to_atom([$a, 16#ffff]), list_to_atom([$a, 16#10ffff])],
    Each = [list_to_atom([C]) || C <- lists:seq(0, 255)] ++ [list_to_atom([$a, C]) || C <- lists:seq(0, 255)],
    Long = [list_to_atom(lists:duplicate(255, C)) || C <- [$a, 16#1f600]],
    Reserved ++ Odd ++ Each ++ Long.

integers() ->
    Edges = [(1 bsl B) + D || B <- [7, 8, 15, 16, 27, 28, 31, 32, 53, 59, 60, 63, 64, 65, 127, 128, 255, 512, 1000, 2040],
                              D <- [-1, 0, 1]],
    Tens = [pow10(E) + D || E <- [9, 10, 17, 18, 19, 27, 36, 45, 100, 614], D <- [-1, 0, 1]],
    All = Edges ++ Tens ++ [3 bsl 6000, pow10(1500) - 7],
    [0, 1, -1, 10, 255, -256] ++ All ++ [-I || I <- All].

pow10(E) -> pow10(E, 1).
pow10(0, A) -> A;
pow10(E, A) -> pow10(E - 1, A * 10).

strings() ->
    [[C] || C <- lists:seq(0, 260)] ++
    ["abc", "say \"hi\"", "it's", "back\\slash", "\b\t\n\v\f\r\e", "a\d", [0, 97], "åäö", "\x{a0}\x{ff}",
     [97, 256], [955, 956], [97, 98 | 99], [97 | b], [$a | "b"], [97, -97], [97, 1 bsl 40], [97, 1.0],
     "", [[]], [[[]]], ["a", "b"], ["a" | "b"], [97, [98]], [0, 1, 2], [255, 255, 255], lists:seq(0, 255),
     lists:duplicate(300, $x)].

binaries() ->
    [<<C>> || C <- lists:seq(0, 255)] ++ [<<"a", C>> || C <- lists:seq(128, 255)] ++
    [<<C/utf8>> || C <- [127, 128, 159, 160, 161, 255, 256, 955, 16#7ff, 16#800, 16#ffff, 16#fffe, 16#10000, 16#10ffff]] ++
    [<<"abc">>, <<>>, <<"say \"hi\"">>, <<"it's">>, <<"back\\slash">>, <<"\b\t\n\v\f\r\e">>, <<"a\d">>, <<"abc", 0>>,
     <<"åäö"/utf8>>, <<"åäö">>, <<"naïve café"/utf8>>, <<"å"/utf8, 255>>, <<"å"/utf8, 0>>, <<"λ"/utf8, 255>>, <<"日本"/utf8>>,
     <<16#ed, 16#a0, 16#80>>, <<16#c0, 16#80>>, <<16#c1, 16#bf>>, <<16#e0, 16#80, 16#80>>, <<16#f0, 16#80, 16#80, 16#80>>,
     <<16#f4, 16#90, 16#80, 16#80>>, <<16#f5, 16#80, 16#80, 16#80>>, <<16#e2, 16#82>>, <<16#c3>>, <<"a", 16#c3>>,
     <<16#c3, 16#a4, 16#e2, 16#82>>, <<0>>, <<1, 2, 3>>, <<0:64>>, <<255:8, 0:8>>, <<"x", 16#1f600/utf8>>,
     <<1:1>>, <<0:1>>, <<1:7>>, <<127:7>>, <<1, 2:3>>, <<"abc", 5:4>>, <<255, 255, 1:2>>, <<0:15>>, <<"å"/utf8, 1:5>>].

%% No map of over 32 keys: the order in which the BEAM prints such a one is not that on the wire.
containers() ->
    [{}, {a}, {a, b}, {{}}, {{{}}}, {[], {}}, [a], [a, b], [a | b], [a, b | c], [a | {b}], [{a}, [b], #{}], [[a], [b] | [c | d]],
     [alias | <<"tail">>], [[[alias | x] | y]], #{}, #{a => 1}, #{a => b, c => d}, #{1 => 2, "s" => <<"b">>, [] => {}, 1.5 => x},
     #{#{} => #{}}, #{{k} => [v | w]}, #{<<"k">> => #{n => [#{}]}}, {error, "text"}, {"a", 'B', <<"c">>},
     [{I, I * I} || I <- lists:seq(1, 40)], maps:from_list([{I, I} || I <- lists:seq(1, 32)]),
     nest(40, fun(T) -> {T} end), nest(40, fun(T) -> [T] end), nest(20, fun(T) -> #{T => 1} end),
     list_to_tuple(lists:seq(1, 260))].

nest(0, _) -> x;
nest(N, F) -> F(nest(N - 1, F)).

reasons() ->
    Stack = [{lists, foldl, [1, 0], [{file, "lists.erl"}, {line, 1263}]}, {m, f, 3, []},
             {erlang, apply, 2, [{error_info, #{module => erl_erts_errors}}]}],
    [normal, shutdown, {shutdown, restart}, killed, noproc, noconnection,
     {timeout, {gen_server, call, [srv, {get, 1}, 5000]}}, {noproc, {gen_server, call, [{global, "n"}, x]}},
     {{nodedown, 'b@host'}, {gen_server, call, [{s, 'b@host'}, r]}}, {badarith, Stack}, {{badmatch, {error, enoent}}, Stack},
     {{nocatch, oops}, Stack}, {undef, [{no_such, f, [], []}]}, {bad_return_value, ok},
     {#{'__exception__' => true, '__struct__' => 'Elixir.RuntimeError', message => <<"boom">>},
      [{'Elixir.Foo', 'run!', 1, [{file, "lib/foo.ex"}, {line, 7}]}]},
     {#{'__exception__' => true, '__struct__' => 'Elixir.KeyError', key => 'ключ', message => nil, term => #{}}, []}].

-define(LOCAL, 119, 13, "nonode@nohost").

%% Of this node only: for others the emulator prints numbers that no one else can know.
identifiers() ->
    [<<88, ?LOCAL, I:32, S:32, 0:32>> || {I, S} <- [{0, 0}, {5, 0}, {32767, 8191}, {1, 1}]] ++
    [<<90, 3:16, ?LOCAL, 0:32, A:32, B:32, C:32>>
     || {A, B, C} <- [{0, 0, 0}, {1, 2, 3}, {262143, 16#ffffffff, 16#80000000}]] ++
    [<<90, 1:16, ?LOCAL, 0:32, 7:32>>, <<90, 2:16, ?LOCAL, 0:32, 7:32, 8:32>>, <<114, 3:16, ?LOCAL, 0, 1:32, 2:32, 3:32>>,
     <<101, ?LOCAL, 9:32, 0>>, <<103, ?LOCAL, 5:32, 6:32, 0>>, <<102, ?LOCAL, 6:32, 0>>, <<89, ?LOCAL, 6:32, 0:32>>,
     <<120, ?LOCAL, 6:64, 0:32>>, <<120, ?LOCAL, 16#fffffff:64, 0:32>>].

funs() ->
    Names = ['f', 'F', 'end', 'a@b', 'Elixir.Foo', 'a b', '', 'é', 'a÷', '日本', 'it\'s', '\n\b\f\v\t\r\\', '\e\0\200\237', 'x\x{a0}', '"'],
    [ext({external, M, F, A}) || {M, F, A} <- [{m, N, 0} || N <- Names] ++ [{N, f, 255} || N <- Names]] ++
    [local_fun(M, Index, Uniq) || M <- [m, 'Elixir.Foo', 'end', 'é日'], {Index, Uniq} <- [{0, 0}, {7, 117506563}, {255, -5}, {1, (1 bsl 31) - 1}]].

ext({external, M, F, A}) ->
    <<131, Bytes/binary>> = term_to_binary(fun M:F/A),
    Bytes.

local_fun(Module, OldIndex, OldUniq) ->
    <<131, M/binary>> = term_to_binary(Module),
    <<131, U/binary>> = term_to_binary(OldUniq),
    Body = <<2, 16#5eed:128, 99:32, 1:32, M/binary, 97, OldIndex, U/binary, 88, ?LOCAL, 5:32, 0:32, 0:32, 97, 1>>,
    <<112, (byte_size(Body) + 4):32, Body/binary>>.

%% What no node sends, but every node reads.
odd_encodings() ->
    [<<107, 0:16>>, <<108, 0:32, 106>>, <<108, 0:32, 107, 3:16, "abc">>, <<108, 1:32, 97, 97, 107, 2:16, "bc">>,
     <<108, 1:32, 97, 97, 108, 1:32, 97, 98, 106>>, <<108, 1:32, 97, 97, 107, 2:16, 0, 1>>, <<108, 1:32, 119, 1, "a", 107, 2:16, "bc">>,
     <<108, 1:32, 119, 1, "a", 108, 1:32, 119, 1, "b", 119, 1, "c">>, <<108, 1:32, 119, 1, "a", 107, 0:16>>,
     <<108, 1:32, 119, 1, "a", 108, 0:32, 106>>, <<104, 2, 108, 0:32, 97, 1, 106>>, <<77, 0:32, 0>>, <<77, 1:32, 8, 97>>, <<77, 2:32, 8, 0, 255>>,
     <<105, 2:32, 97, 1, 97, 2>>, <<105, 0:32>>, <<98, 97:32>>, <<108, 2:32, 98, 97:32, 98, 98:32, 106>>, <<110, 0, 0>>, <<110, 0, 1>>,
     <<110, 1, 1, 7>>, <<110, 3, 0, 1, 0, 0>>, <<111, 1:32, 0, 5>>, <<111, 9:32, 1, 255, 255, 255, 255, 255, 255, 255, 255, 1>>,
     <<99, "1.50000000000000000000e+00", 0:40>>, <<99, "-1.00000000000000005551e-01", 0:32>>, <<99, "1.79769313486231570815e+308", 0:32>>,
     <<99, "0.00000000000000000000e+00", 0:40>>, <<118, 1:16, "a">>, <<118, 2:16, "é"/utf8>>, <<100, 1:16, 233>>, <<115, 2, "a", 233>>].

floats() ->
    Edges = [0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 1.5, 3.14, 100.0, 1000.0, 1.0e4, 12345.0, 123456.789, 1.0e5, 1.2e5, 1.23e5, 1.0e15, 1.0e16, 1.0e21,
             1.0e22, 1.0e23, 9.5e-3, 0.01, 0.001, 0.0001, 0.0002, 0.00012, 0.00123, 1.0e-5, 1.0e-100, 1.0e100, 4.35, 0.1 + 0.2, 9007199254740991.0,
             9007199254740992.0, 9007199254740993.0, 9007199254740994.0, 9007199254740990.5, 2.2250738585072014e-308, 2.225073858507201e-308,
             1.7976931348623157e308, 5.0e-324, 1.0e-323, 9.999999999999999e22, 123456789012345680.0, 4503599627370497.5],
    Powers = [power(E) || E <- lists:seq(-1074, 1023, 7) ++ [-44, -43, -24, 89, 90, 122, 53, 54, 52]],
    Tens = [list_to_float("1.0e" ++ integer_to_list(E)) || E <- lists:seq(-320, 308, 9)],
    Random = [random_float() || _ <- lists:seq(1, 400)] ++ [rand:uniform(100000) / 1000 || _ <- lists:seq(1, 60)] ++
             [float(rand:uniform(1 bsl 60)) || _ <- lists:seq(1, 60)],
    [{term, F} || F <- Edges ++ Powers ++ Tens ++ Random].

power(E) when E >= -1022 -> <<F/float>> = <<0:1, (E + 1023):11, 0:52>>, F;
power(E) -> <<F/float>> = <<0:12, (1 bsl (E + 1074)):52>>, F.

random_float() ->
    case <<(rand:uniform(1 bsl 64) - 1):64>> of
        <<F/float>> -> F;
        _ -> random_float()
    end.

random(N) -> [{term, term(4)} || _ <- lists:seq(1, N)].

term(0) -> leaf();
term(Depth) ->
    case rand:uniform(9) of
        1 -> list_to_tuple(terms(Depth));
        2 -> terms(Depth);
        3 -> maps:from_list(lists:zip(terms(Depth, 3), terms(Depth, 3)));
        4 -> improper(terms(Depth, 2), leaf());
        _ -> leaf()
    end.

terms(Depth) -> terms(Depth, rand:uniform(5) - 1).
terms(Depth, N) -> [term(Depth - 1) || _ <- lists:seq(1, N)].

improper(List, Tail) -> lists:append(List, Tail).

leaf() ->
    case rand:uniform(10) of
        1 -> rand:uniform(1000) - 500;
        2 -> rand:uniform(1 bsl rand:uniform(200)) * (1 - 2 * (rand:uniform(2) - 1));
        3 -> random_float();
        4 -> list_to_atom(chars(rand:uniform(4), [$a, $b, $z, $_, $@, $A, $9, $., $\s, $', 16#e9, 16#3bb, 16#1f600]));
        5 -> lists:nth(rand:uniform(6), [ok, error, undefined, true, 'EXIT', badarg]);
        6 -> chars(rand:uniform(6), [$a, $b, $", $\\, $\n, 16#e9, $\s, 97, 98, 99, 100]);
        7 -> chars(rand:uniform(5), [0, 97, 300, 255, 128, 127, $x]);
        8 -> unicode:characters_to_binary(chars(rand:uniform(6), [$a, $b, $", $\\, $\n, 16#e9, 16#e9, $\s]));
        9 -> list_to_binary(chars(rand:uniform(5), [0, 97, 98, 255, 195, 169, 128, $x]));
        10 -> N = rand:uniform(20), <<(rand:uniform(1 bsl N) - 1):N>>
    end.

chars(N, From) -> [lists:nth(rand:uniform(length(From)), From) || _ <- lists:seq(1, N)].
