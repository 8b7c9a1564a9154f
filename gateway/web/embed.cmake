# cmake -DOUT=FILE.c -DIN=FILE -DNAME=web_file -P embed.cmake: writes a file as C.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT}.new "#include \"gateway/web/web.h\"\n\nconst uint8_t ${NAME}[] = {${bytes}};\nconst size_t ${NAME}_len = sizeof(${NAME});\n")
file(RENAME ${OUT}.new ${OUT})
