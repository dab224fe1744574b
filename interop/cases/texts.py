"""Terms written as text are those that Erlang reads there, byte by byte (noex_build_text).

SPDX-License-Identifier: Apache-2.0
"""

from harness import InteropCase, Program

# Read alike.
SAME = r"""
a ;; aB_9@c ;; nil ;; é ;; aÉ ;; '' ;; 'end' ;; 'a b' ;; 'λ 😀' ;; 'it\'s "' ;; '\0\x{1f600}'
'A' ;; a. ;; a.  ;; a . ;; a.%x ;; 'a'. ;; 0 ;; 007 ;; -0 ;; +1 ;; - 1 ;; 255 ;; 256 ;; -1
1_000_000 ;; 2147483647 ;; 2147483648 ;; -2147483648 ;; -2147483649 ;; 9223372036854775807
9223372036854775808 ;; -9223372036854775808 ;; -9223372036854775809 ;; 18446744073709551615
18446744073709551616 ;; -18446744073709551616 ;; 123456789012345678901234567890 ;; 2#1010 ;; 16#fF
16#00_ff ;; -16#FFFF_FFFF_FFFF_FFFF_FF ;; 8#777 ;; 32#VV ;; 3#2102 ;; 36#Zz ;; 1_6#f ;; 16#a.
1. ;; 1.% ;; $a ;; $  ;; $% ;; $' ;; $" ;; $\\ ;; $. ;; $a. ;; -$a ;; +$a ;; - $\n ;; $é ;; $😀
$\x{10ffff} ;; {$a,$}} ;; $\s ;; $\^a ;; $\101 ;; "\b\d\e\f\n\r\s\t\v" ;; "\0\7\12\101\18\0000"
"\400\777" ;; "\x41\x4aB\xfF" ;; "\x{41}\x{00000041}\x{3bb}" ;; "\^@\^a\^A\^z\^Z\^[\^\\^]\^^\^_"
"\q\A\'\"\\\%" ;; "\é" ;; "" ;; "ab" ;; "é" ;; "λ" ;; "a😀" ;; "a" "b"  "c" ;; "" ""
["a" "b","c"] ;; 1.0 ;; -1.5 ;; - 1.5 ;; +0.1 ;; 0.0 ;; -0.0 ;; 1.0e3 ;; 1.0E+3 ;; 1.0e-3
1_0.5_0e1_0 ;; 1.7976931348623157e308 ;; 5.0e-324 ;; 1.0e-400 ;; 9007199254740993.0 ;; 007.5
1.5. ;; 0.1 ;; 123456.789 ;; 1.0e22 ;; 1.0e23 ;; 2.2250738585072014e-308 ;; <<>> ;; << >>
<<1,2,3>> ;; <<256,-1,16#1ff,$a,- $a>> ;; <<1:3>> ;; <<5:3,0:5>> ;; <<1:1,2:7,255:8,3:2>>
<<1:16>> ;; <<1:16/little>> ;; <<1:12/little>> ;; <<16#abc:12/little>>
<<16#abc:12/big-unsigned-integer>> ;; <<-1:12/signed>> ;; <<-2:70>> ;; <<-256:8>>
<<-256:16/little>> ;; <<1:0>> ;; <<1 : 8 / integer - little>> ;; <<1/integer-integer>>
<<1:1_6>> ;; <<1:16#10>> ;; <<123456789012345678901234567890:104/little>> ;; <<1.5/float>>
<<1.5:64/float-little>> ;; <<-1.5:32/float>> ;; <<1:1,1.5:32/float-little>> ;; <<0.1:32/float>>
<<"">> ;; <<"abc">> ;; <<"a" "b","c">> ;; <<"é">> ;; <<"é"/utf8>> ;; <<"λ"/utf8,0>>
<<"a😀"/utf16>> ;; <<"😀"/utf16-little>> ;; <<"a"/little-utf32>>
<<955/utf8,$a/utf8,16#10ffff/utf8>> ;; <<0/utf8>> ;; <<"\n\x{ff}">> ;; <<1:1,"a",1:7>>
<<1:4,"λ"/utf8>> ;; <<"a"/big>> ;; <<"a"/integer>> ;; <<$a/utf8-signed>> ;; <<1:65536>> ;; {}
{ } ;; {a,{b,[]},"c"} ;; [] ;; [a] ;; [1,2,255] ;; [1,2,256] ;; [[],[]] ;; [-1] ;; #{} ;; # { }
#{a=>1} ;; #{a=>1,"k"=>#{b=>[]}} ;; #{1=>a,1.0=>b} ;; #{b=>1,a=>2,c=>3}
#{#{b=>1,a=>2}=>x,#{c=>1,a=>2}=>y} ;; {- 1, + 1} ;; [a|b] ;; [1,2|3] ;; [1|{2}]
[1|<<2>>] ;; [1|#{}] ;; [[a|b]|c] ;; ["a"|b] ;; [1|[]] ;; [1|[2]] ;; [1,2|[3,4|[5|[]]]]
[1|[2|[3|x]]] ;; [1|"ab"] ;; [1|""] ;; [1|"λ" "b"] ;; [a|[b|"c"]] ;; {[1|[2]],[3|4]} ;;   a  % b
"""

# No term to either.
NEITHER = r"""
. ;; a b ;; a.b ;; a. b ;; a.. ;; 1.. ;; } ;; {a ;; {a, ;; {a , %x} ;; {a,} ;; {,} ;; [{a],b]
{a;b} ;; [a ;; [a,] ;; [a} ;; [,a] ;; #{a} ;; #{a:=1} ;; #{a=>} ;; #{a=>1 ;; #{a=>1=>2} ;; #{a=>1,}
#r{a=1} ;; #Ref<0.1.2.3> ;; #Port<0.1> ;; #Fun<a.1.2> ;; <0.1.0> ;; <a> ;; Foo ;; [_] ;; É ;; λ
@a ;; a@b.c ;; fun a/1 ;; {end} ;; a:b ;; 1+1 ;; a or b ;; - -1 ;; -a ;; - ;; 1_ ;; 1__0 ;; 1a
1e3 ;; 1.e3 ;; 1.0e ;; 1.0e+x ;; 1.0e400 ;; -1.8e308 ;; 1#0 ;; 37#1 ;; 16# ;; 16#_f ;; 16#g ;; 2#2
2#12 ;; $\x ;; "a ;; "a\" ;; 'a ;; 'a' 'b' ;; "\x" ;; "\x4" ;; "\x{}" ;; "\x{4" ;; "\x{110000}"
"\x{d800}" ;; <<1 ;; <<1> ;; <<1,>> ;; <<a>> ;; <<[1]>> ;; <<1.5>> ;; <<1.0e309/float>>
<<16#d800/utf8>> ;; <<16#110000/utf8>> ;; <<-1/utf8>> ;; <<1.0/utf8>> ;; <<955:8/utf8>>
<<1:-1>> ;; <<1:1.0>> ;; <<1:a>> ;; <<1/>> ;; <<1/big-little>> ;; <<1/integer-utf8>>
<<1/signed-unsigned>> ;; <<1/text>> ;; catch a ;; begin a end ;; ?A ;; not a
"""

# What Erlang, or a release of it, takes, and this does not.
STRICTER = r"""
(a) ;; -(1) ;; fun m:f/1 ;; #{a=>1,a=>2} ;; #{0.0=>a,-0.0=>b} ;; "a""b" ;; "\^`" ;; "\^é"
<<"λ">> ;; <<1/float>> ;; <<"a":16>> ;; <<"a"/float>> ;; <<1.5:16/float>> ;; <<1.0e300:32/float>>
<< <<1>>/binary>> ;; << <<1:3>>/bitstring>> ;; <<1:2/unit:4>> ;; <<1:16/native>> ;; <<1:(2)>>
<<1:65537>> ;; <<(1)>> ;; <<1:$a>> ;; ~"abc" ;; 16#1.8#e2 ;; #{a=>1,a=>1}
"""

# What this takes, and Erlang, or a release of it, does not; or each in its own way.
LOOSER = r"""
maybe ;; else ;; '￿' ;; "\x{fffe}" ;; "\^?"
"""


def texts(table):
    return [cell for line in table.strip("\n").split("\n") for cell in line.split(" ;; ")]


class Texts(InteropCase):
    def setUp(self):
        super().setUp()
        self.node = self.erl()
        self.program = Program(self, "read_text")

    def ours(self, text):
        """The term's bytes in hex, or None."""
        self.program.say(text.encode().hex())
        answer = self.program.process.stdout.readline().split()
        self.assertIn(answer[:1], (["ok"], ["error"]), text)
        return answer[1] if answer[0] == "ok" else None

    def theirs(self, cells):
        """The same by Erlang's own reader, for all of them."""
        binaries = ",".join("<<" + ",".join(str(b) for b in c.encode()) + ">>" for c in cells)
        answers = self.node.eval(f"{{raw, noex_peer:read_texts([{binaries}])}}").split("\n")
        self.assertEqual(len(cells), len(answers))
        return [None if answer == "error" else answer for answer in answers]

    def assert_same(self, text, ours, theirs):
        """The order of the pairs of a map is nobody's."""
        if ours != theirs and ours and theirs and "#{" in text:
            same = self.node.eval(f'noex_peer:same_term(<<"{ours}">>, <<"{theirs}">>)')
            self.assertEqual("true", same, text)
        else:
            self.assertEqual(theirs, ours, text)

    def test_what_both_read_is_the_same_term(self):
        cells = texts(SAME)
        for text, theirs in zip(cells, self.theirs(cells)):
            self.assertIsNotNone(theirs, text)
            self.assert_same(text, self.ours(text), theirs)

    def test_what_erlang_does_not_read_is_refused(self):
        cells = texts(NEITHER)
        for text, theirs in zip(cells, self.theirs(cells)):
            self.assertEqual((None, None), (theirs, self.ours(text)), text)

    def test_what_only_one_of_both_reads_is_known(self):
        cells = texts(STRICTER)
        self.assertEqual([None] * len(cells), [self.ours(text) for text in cells])
        self.assertGreater(len([t for t in self.theirs(cells) if t]), len(cells) * 2 // 3)
        for text in texts(LOOSER):
            self.assertIsNotNone(self.ours(text), text)

    def test_what_erlang_prints_in_any_of_its_ways_is_read_back(self):
        for control in ("~0tp", "~tp", "~p", "~tw", "~w"):
            lines = self.node.eval(f'{{raw, noex_peer:random_texts(120, "{control}")}}').split("\n")
            self.assertEqual(120, len(lines))
            for line in lines:
                text, theirs = line.split()
                text = bytes.fromhex(text).decode()
                self.assert_same(text, self.ours(text), theirs)
