# Run by CPack on the staged trees of the packages, one a component: what Debian wants beyond what is
# installed anywhere.
function(gzip)
    execute_process(COMMAND gzip -9n ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
string(TIMESTAMP year %Y UTC)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
    string(TOUPPER ${component} key)
    set(usr ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr)
    set(doc ${usr}/share/doc/${CPACK_DEBIAN_${key}_PACKAGE_NAME})

    file(COPY ${CPACK_NOEX_SOURCE_DIR}/CHANGELOG.md DESTINATION ${doc})
    file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
    file(WRITE ${doc}/changelog.Debian "libnoex (${version}) unstable; urgency=medium

  * Packages of libnoex ${CPACK_PACKAGE_VERSION}.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
    file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: libnoex

Files: *
Copyright: ${year} the authors of libnoex
License: Apache-2.0
Comment: The library holds libei of Erlang/OTP, linked statically,
 Copyright 2002-2025 Ericsson AB and others, License: Apache-2.0.

License: Apache-2.0
 On Debian systems the whole text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
")
    file(GLOB pages ${usr}/share/man/man*/*)
    gzip(${doc}/changelog ${doc}/changelog.Debian ${pages})
    # The umask of whoever builds must not show.
    file(CHMOD_RECURSE ${usr}/share FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    file(GLOB_RECURSE folders LIST_DIRECTORIES ON ${usr}/*)
    foreach(folder IN ITEMS ${usr} LISTS folders)
        if(IS_DIRECTORY ${folder})
            file(CHMOD ${folder} PERMISSIONS ${CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
        endif()
    endforeach()
endforeach()

# Where Debian's zsh looks.
set(zsh ${CPACK_TEMPORARY_DIRECTORY}/noexmon/usr/share/zsh)
file(RENAME ${zsh}/site-functions ${zsh}/vendor-completions)
