# -DNOEX_SANITIZE=address,undefined (or thread) and -DNOEX_COVERAGE=ON: for everything that is built.
set(NOEX_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
option(NOEX_COVERAGE "Count the lines that run (gcov)" OFF)
if(NOEX_SANITIZE)
    add_compile_options(
        -fsanitize=${NOEX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${NOEX_SANITIZE})
endif()
if(NOEX_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
