# Writes a C++ file with every file below a folder in it:
#   cmake -D FOLDER=console/dist -D OUTPUT=console_files.cc -P embed.cmake
# The bytes come in by the assembler's .incbin, so nothing large is parsed.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(assembly "")
set(declarations "")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  string(APPEND assembly
    "asm(\".section .rodata\\n\"\n"
    "    \"embedded_${number}_begin: .incbin \\\"${FOLDER}/${file}\\\"\\n\"\n"
    "    \"embedded_${number}_end: .byte 0\\n\"\n"
    "    \".global embedded_${number}_begin, embedded_${number}_end\\n\"\n"
    "    \".previous\\n\");\n")
  string(APPEND declarations
    "extern \"C\" const char embedded_${number}_begin[];\nextern \"C\" const char embedded_${number}_end[];\n")
  string(APPEND entries
    "      {\"/${file}\", {embedded_${number}_begin, static_cast<size_t>(embedded_${number}_end - embedded_${number}_begin)}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT}.new
  "#include \"http/assets.h\"\n\n${assembly}\n${declarations}\n"
  "namespace penstock::http {\n\nconst std::vector<EmbeddedFile>& embedded_files() {\n"
  "  static const std::vector<EmbeddedFile> files{\n${entries}  };\n  return files;\n}\n\n}  // namespace penstock::http\n")
file(RENAME ${OUTPUT}.new ${OUTPUT})
