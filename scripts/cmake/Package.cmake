# Debian packages by CPack: libnoex0, libnoex-dev and noexmon.
#   cmake --preset package && cmake --build --preset package && cpack --preset package
# The preset's prefix is /usr, so libraries go to the folder of their architecture and noexmon has no run path.
set(NOEX_MAINTAINER "libnoex maintainers <libnoex@localhost>" CACHE STRING
    "Maintainer of the Debian packages, NAME <ADDRESS>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libnoex)
set(CPACK_PACKAGE_CONTACT ${NOEX_MAINTAINER})
set(CPACK_PACKAGE_FILE_NAME libnoex-${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL libnoex libnoex_dev noexmon)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_NOEX_SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian.cmake)

# Below 1.0 the interface may change: what was built with one version takes that version only.
set(same_version "libnoex0 (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(about "It connects to nodes of OTP 25 to 29 as a hidden node and watches Erlang
and Elixir processes with the monitors that they use among themselves: a
program knows within milliseconds that a process ended, and why.")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # else it is put before each of these

set(debian_control triggers postinst postrm)
set(CPACK_DEBIAN_LIBNOEX_PACKAGE_NAME libnoex0)
set(CPACK_DEBIAN_LIBNOEX_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBNOEX_DESCRIPTION "C programs as members of Erlang clusters: shared library\n${about}")
set(CPACK_DEBIAN_LIBNOEX_PACKAGE_SHLIBDEPS ON)
# dpkg's trigger does what scripts calling ldconfig did. CPack makes those unless they are named here; there
# are none.
list(TRANSFORM debian_control PREPEND ${CMAKE_CURRENT_LIST_DIR}/debian/)
set(CPACK_DEBIAN_LIBNOEX_PACKAGE_CONTROL_EXTRA ${debian_control})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")

set(CPACK_DEBIAN_LIBNOEX_DEV_PACKAGE_NAME libnoex-dev)
set(CPACK_DEBIAN_LIBNOEX_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBNOEX_DEV_DESCRIPTION "C programs as members of Erlang clusters: development files\n${about}")
set(CPACK_DEBIAN_LIBNOEX_DEV_PACKAGE_DEPENDS "${same_version}, libssl-dev, libuv1-dev")
set(CPACK_DEBIAN_LIBNOEX_DEV_PACKAGE_SUGGESTS erlang-dev) # libei, for linking statically

set(CPACK_DEBIAN_NOEXMON_PACKAGE_NAME noexmon)
set(CPACK_DEBIAN_NOEXMON_PACKAGE_SECTION net)
set(CPACK_DEBIAN_NOEXMON_DESCRIPTION "watch the processes of Erlang clusters from the command line\n${about}")
set(CPACK_DEBIAN_NOEXMON_PACKAGE_DEPENDS "${same_version}")
set(CPACK_DEBIAN_NOEXMON_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_CURRENT_BINARY_DIR}) # libnoex.so.0

include(CPack)
