# libei, the term codec of erl_interface: ErlInterface::ei. Found by -DNOEX_EI_ROOT=DIR (which holds
# include/ei.h and lib/libei.a), by path, or by asking erl.
set(NOEX_EI_ROOT "" CACHE PATH "Folder of erl_interface, with include/ei.h and lib/libei.a")
set(ei_hints ${NOEX_EI_ROOT})
if(NOT NOEX_EI_ROOT)
    file(GLOB ei_hints
        /usr/lib/erlang/lib/erl_interface-* /usr/local/lib/erlang/lib/erl_interface-*)
    find_program(NOEX_ERL erl)
    if(NOT ei_hints AND NOEX_ERL)
        execute_process(
            COMMAND ${NOEX_ERL} -noshell -boot start_clean
                    -eval "io:put_chars(code:lib_dir(erl_interface)), halt()."
            OUTPUT_VARIABLE ei_hints TIMEOUT 20 ERROR_QUIET)
    endif()
endif()
find_path(ErlInterface_INCLUDE_DIR ei.h HINTS ${ei_hints} PATH_SUFFIXES include)
find_library(ErlInterface_LIBRARY NAMES libei.a HINTS ${ei_hints} PATH_SUFFIXES lib)
mark_as_advanced(ErlInterface_INCLUDE_DIR ErlInterface_LIBRARY NOEX_ERL)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ErlInterface
    REQUIRED_VARS ErlInterface_LIBRARY ErlInterface_INCLUDE_DIR
    REASON_FAILURE_MESSAGE "install erlang-dev, or give -DNOEX_EI_ROOT=DIR")

if(ErlInterface_FOUND AND NOT TARGET ErlInterface::ei)
    add_library(ErlInterface::ei UNKNOWN IMPORTED)
    set_target_properties(ErlInterface::ei PROPERTIES
        IMPORTED_LOCATION ${ErlInterface_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${ErlInterface_INCLUDE_DIR})
endif()
