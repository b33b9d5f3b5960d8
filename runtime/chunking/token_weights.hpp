// The fitted table of token_estimator.cpp: data, not logic.
//
// Bytes fall into byte_kind_count kinds: each lower-case letter by itself, upper case, white space,
// digits, groups of punctuation, and for UTF-8 the quarter of a continuation byte or the script
// that a lead byte begins. pair_costs has a row for each kind of the byte before and a column for
// each kind of the byte itself, in 1/32 of a token. Both tables are written as characters: '#' is
// 0, '$' is 1, and so on up to '~', 91.
#pragma once

#include <array>
#include <string_view>

namespace millrace::token_weights {

inline constexpr int byte_kind_count = 56;

// clang-format off
/// The kind of each byte, sixteen bytes a row.
inline constexpr std::array<std::string_view, 16> byte_kinds = {
  R"(GGGGGGGGG@?GG?GG)",
  R"(GGGGGGGGGGGGGGGG)",
  R"(>FEDFFFEFFDDBDBF)",
  R"(AAAAAAAAAAFFFDFF)",
  R"(F===============)",
  R"(===========FFFFC)",
  R"(E#$%&'()*+,-./01)",
  R"(23456789:;<FFFDG)",
  R"(HHHHHHHHHHHHHHHH)",
  R"(IIIIIIIIIIIIIIII)",
  R"(JJJJJJJJJJJJJJJJ)",
  R"(KKKKKKKKKKKKKKKK)",
  R"(LLLMMMMMMMNNNNOO)",
  R"(PQQQRRRRRRRRRRRR)",
  R"(STUVWWWWWWXXXXYY)",
  R"(ZZZZZZZZZZZZZZZZ)",
};

/// Rows: the byte before. Columns: the byte.
inline constexpr std::array<std::string_view, byte_kind_count> pair_costs = {
  R"(\#)(P.#=#=3#*+O+@'+&5(*%%059[#NN=PTSL0B61=1a:3>=7~I##Q't)",
  R"(0J'/*Jb~.#@#/21%S3#=##?3/K$IC#K@4JBBE0B61DSy:77=7r(##~:t)",
  R"(*3$.$C#.,2.#C7'#E#3#&##.#0;0`%KE5c?8E0B61;2~:M7=7NO##8=t)",
  R"(&-4$(E57&$W.6A'-4:(6-->p+3#+K#NF1<QBE0B61#H~:77=7#B##F#t)",
  R"(#5%#''*C2AF-#**##)$+7#+$.4#.V#PE-7D@E0B61[D6:/J=7N###T#t)",
  R"('8@./#&`#z#4_C$##0+#):g##cN3Z@F;?f3FI0B61A9t:77=7Nv-=T4t)",
  R"(>G1H&7:#']'6#02&s#-?+#Tg##f%N<DH/#99E0B61Q@f:77=7##/-T#t)",
  R"((6=/%+d#'#:4$,%*U&##=[%~7d#(PJKF-#`6E0B61h=~:77=7Ng##T7t)",
  R"(-+#).#)=GG92####B7'(R$K#U#`MiB>c?8[UE0B61n.#:7I=7[~/#T7t)",
  R"(97G>*#$#4*#>#:$Jb#1B9#95~b@6ZXJn##QCE0B61;'R:77=7Nm77T7t)",
  R"(A#1B)4#i'#m8k#;BiB#.7U##=>:0Ldb>*=H<E0B61I@y:77=7#%#6*#t)",
  R"(&8K)%%.:#h6-/=%#,>'#'*E6#j2(M9=>+)X9H0B61~J~:77=77p##T#t)",
  R"((*25#V<h+~U:#,0#2N,H+gO[;#1<W?@X9;PUE0B61@:~:7)=7#:*#T't)",
  R"()W#$('+**C.1/&')=C)###E~-,.1Y#CB1A=AI0B61i9U:77=7~##ZT#t)",
  R"($###0#0C0810##(&i#0*#%##*E76\#MO,?fRE0B61|#\:HC=7z#7#T/t)",
  R"()&#*&Re*2#Y###(#,'#$.Q=O#GF4G?EH6+~BE0B61EG~:=i=7N###T#t)",
  R"(}:#3-&+._bH(0<#Z~#P###X;#b82#cT_0J]PE0B61;`~:77=7NL#1TBt)",
  R"(&>))#($J*~(;#)%(#*#,-042#;-(ThEA&>C.<0B61DG^:77=7~~##~#t)",
  R"(:89=$#.2'V;2,;(+I%($-&$M#E;/S1^<-@B5A0B61E?~:7/=7U/#*F#t)",
  R"()_#4*+6$#<#.0+,%#*'-/7#-#>#-MGTH13PBX0B61~=h:77=7####T#t)",
  R"(%##-'-3Q1BP)&/8%d$#$A;B'T:l:SQWO1j:L`0B61G4e:7#=7N#79T7t)",
  R"(/4uS#6#L&EiP3$2p8]QUV:QO]6?LO-HR#WXHE0B61OF~:77=7W37&T#t)",
  R"(/g7;/##-'R>#-',LJ)#\K-#11X#4V3#G-#oJE0B61tI~:77=7#277T7t)",
  R"($~'\#U^$&gg~#~N#<#C#YO~%#S#2T#zH42uME0B61]N~:77=7N}'2T#t)",
  R"(C-#$<L[&.aN8,/#&5E##BP*#-W,(W#^:5.7@E0B61j;#:a~=7####T#t)",
  R"(0M-82#@e;]6I;1;oZM#.#<#:59?89~|K$^RPE0B61;1~:77=7NK$#T7t)",
  R"(74762HP2.[X<623/=6:,<&L#Cq+(MoDJ1GOK<0B61#`~:&#=7#6##T#[)",
  R"(,*,+0.1004/2.34+*-,+/+#G50#$F#YDLB;=#7B77,=0#@2#H~#C7*#~)",
  R"(1=638.8B40D659:.#;-1'<+8#246#4=:#*,;.7B77KS~o0##l~E##J#~)",
  R"(###-H#G##NC7##>7##(##.N#7(4##,([F~j:E7B77#~t~8~37},J#T7t)",
  R"(278235zO#YVU;B@AXK546MW8S~O4JT-@C<;?E7B77VA~:#7=7N[#(T#t)",
  R"(#+#######&(#)7#18##*>###-#1.,-C)=#)4E7B77Fh~<H#=2N#,7T(t)",
  R"(##'#/#20'U#,)64/#-(74#%E#H#DdQUM#.#NE0B612P~:K7=7N#77T7t)",
  R"(-14('###&Y<#9.$-###,4#*#9#4,5#FLG%0)E7B77=P~:MI##N###T`b)",
  R"(-##D>&2&/#R##&:,###1#A*#=O+56@;*H1#(E7B77UA~:[~=2Ny8#T#~)",
  R"(=81-530#/M#/#=49LG$(#&)?/#,./UI/;<0*p7B77B+~C84##~F##<#h)",
  R"(7=7777777RJ7772.H77777797\7FES#17-6YV7B77;A~:--=2NL--T2t)",
  R"(<###T##OY2#+####9###=+HD%;###oN_6v^?E7879#B~###]H~:-+~E[)",
  R"(;####&#X#J,(BRs#~31##*~6)##)#l#T#-##E#C#$#-~)3D];#;$2#=#)",
  R"(#3$O#'#8:7/7-)#(~##$F29##C#$#W#J2B1#E,@4#c/##4WQ#~J&##V~)",
  R"(####-%#7bV*#+##-###(T2##*(7#4m#Z$O#@E;##5##n4##`g1~#1N@.)",
  R"(7=7777777RJ77777H77777797\77FS717-68E7D##;A~:--=2NL--T2t)",
  R"(6=---1-//RJ-/0--H---21-9-\/7FS77-778E.D2,;A~:77=7NL77T7t)",
  R"(7=7777777RJ77777H77777797\77FS717-68ED~#L;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68EjG7-;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E~<#.;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E1m~~;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E#7##;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E7B#1;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E1/6);A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E#+7M;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E+B77;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E29:2;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68E$C\#;A~:--=2NL--T2t)",
  R"(7=7777777RJ77777H77777797\77FS717-68EW~9+;A~:--=2NL--T2t)",
  R"(6=---1-//RJ-/0--H---21-9-\/7FS77-778E0`r1;A~:77=7NL77T7t)",
};
// clang-format on

}  // namespace millrace::token_weights
