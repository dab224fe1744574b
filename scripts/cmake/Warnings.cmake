# One strict list of warnings for library, tool and tests. Errors where NOEX_WERROR says so (CI does).
option(NOEX_WERROR "Warnings are errors" OFF)
add_library(noex_warnings INTERFACE)
target_compile_options(noex_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition
    -Wpointer-arith -Wwrite-strings -Wcast-qual -Wcast-align -Wformat=2 -Wswitch-enum
    -Wimplicit-fallthrough -Wdouble-promotion
    $<$<BOOL:${NOEX_WERROR}>:-Werror>)
