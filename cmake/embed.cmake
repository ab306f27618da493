# cmake -DIN=file -DOUT=file.c -DNAME=symbol -P embed.cmake: the text of IN as a char array.
# Numbers, not a string literal: ISO C promises only 4095 characters in one of those.
file(READ ${IN} hex HEX)
string(REGEX MATCHALL "................................|..+$" rows "${hex}")
set(text "// Made by the build from a header of the same content.\n")
string(APPEND text "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n")
foreach(row IN LISTS rows)
  string(REGEX REPLACE "(..)" "0x\\1, " row "${row}")
  string(APPEND text "    ${row}\n")
endforeach()
string(APPEND text "    0};\n")
file(WRITE ${OUT} "${text}")
