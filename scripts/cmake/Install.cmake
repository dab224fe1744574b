# What `cmake --install` puts where, and how installed programs find the library: by CMake package, by
# pkg-config, and noexmon by a run path. All of it goes by relative paths, so the tree can be moved.
# Components are the Debian packages of Package.cmake: libnoex, libnoex_dev, noexmon.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/noex)

# No run path where the loader looks anyway.
if(NOT CMAKE_INSTALL_FULL_LIBDIR IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
    cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_BINDIR}
        OUTPUT_VARIABLE libdir_from_bindir)
    set_target_properties(noexmon PROPERTIES INSTALL_RPATH $ORIGIN/${libdir_from_bindir})
endif()

install(TARGETS noex EXPORT noex
    LIBRARY COMPONENT libnoex NAMELINK_COMPONENT libnoex_dev)
install(TARGETS noex_static EXPORT noex_static ARCHIVE COMPONENT libnoex_dev)
install(TARGETS noexmon RUNTIME COMPONENT noexmon)
install(DIRECTORY include/noex TYPE INCLUDE COMPONENT libnoex_dev FILES_MATCHING PATTERN "*.h")

# A program that links the shared library needs nothing else; what the static one needs, it has to find.
install(EXPORT noex DESTINATION ${package_dir} NAMESPACE noex:: FILE noexTargets.cmake
    COMPONENT libnoex_dev)
install(EXPORT noex_static DESTINATION ${package_dir} NAMESPACE noex:: FILE noexStaticTargets.cmake
    COMPONENT libnoex_dev)
configure_package_config_file(scripts/cmake/noexConfig.cmake.in noexConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(noexConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/noexConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/noexConfigVersion.cmake
    scripts/cmake/FindErlInterface.cmake
    DESTINATION ${package_dir} COMPONENT libnoex_dev)

set(pc_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${pc_dir} OUTPUT_VARIABLE pc_prefix)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE pc_libdir)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}
    OUTPUT_VARIABLE pc_includedir)
cmake_path(GET ErlInterface_LIBRARY PARENT_PATH pc_ei_dir)
configure_file(scripts/cmake/noex.pc.in noex.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/noex.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT libnoex_dev)

install(FILES docs/man/noex.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT libnoex_dev)
install(FILES docs/man/noexmon.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT noexmon)
install(FILES completions/noexmon.bash RENAME noexmon
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT noexmon)
install(FILES completions/_noexmon
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT noexmon)
