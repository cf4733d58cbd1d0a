# The libraries that lade stands on. Each is a Debian package; a missing one is named.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(lade_need target module package)
  pkg_check_modules(${target} IMPORTED_TARGET ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} is missing: install the Debian package ${package} (script/bootstrap does)")
  endif()
endfunction()

lade_need(JANSSON jansson libjansson-dev)
lade_need(OPENSSL libcrypto libssl-dev)
lade_need(ZLIB zlib zlib1g-dev)
lade_need(ARCHIVE libarchive libarchive-dev)
lade_need(CURL libcurl libcurl4-openssl-dev)
if(LADE_TESTS)
  lade_need(CMOCKA cmocka libcmocka-dev)
endif()
