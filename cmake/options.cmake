# How every target is compiled. Targets link lade_options; nothing is set globally.
include(CheckCCompilerFlag)

add_library(lade_options INTERFACE)
target_include_directories(lade_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(lade_options INTERFACE
  _GNU_SOURCE _FILE_OFFSET_BITS=64 _TIME_BITS=64 LADE_VERSION="${PROJECT_VERSION}")

set(warnings
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Wcast-qual -Wwrite-strings -Wundef -Wformat=2
  -Wswitch-enum -Wnull-dereference -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Walloca)
foreach(flag ${warnings})
  string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
  check_c_compiler_flag(${flag} ${have})
  if(${have})
    target_compile_options(lade_options INTERFACE ${flag})
  endif()
endforeach()
if(LADE_WERROR)
  target_compile_options(lade_options INTERFACE -Werror)
endif()

if(LADE_SANITIZE)
  target_compile_options(lade_options INTERFACE
    -fsanitize=${LADE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lade_options INTERFACE -fsanitize=${LADE_SANITIZE})
endif()

if(LADE_FUZZ)
  # clang takes what is there for its cleanup alone for unused.
  target_compile_options(lade_options INTERFACE -fsanitize=fuzzer-no-link -Wno-unused-variable)
endif()

if(LADE_HARDEN)
  target_compile_options(lade_options INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
    -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
    target_compile_options(lade_options INTERFACE -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    target_compile_options(lade_options INTERFACE -mbranch-protection=standard)
  endif()
  target_link_options(lade_options INTERFACE
    -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()

# A part without sources yet still makes a target, so that the others can be built.
function(lade_sources_or_stub name variable)
  if(NOT ${variable})
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/stub_${name}.c
      CONTENT "int lade_stub_${name}(void);\nint lade_stub_${name}(void)\n{\n    return 0;\n}\n")
    set(${variable} ${CMAKE_CURRENT_BINARY_DIR}/stub_${name}.c PARENT_SCOPE)
  endif()
endfunction()

# A part of lade: all its sources, the parts that it may include, and nothing else.
function(lade_part name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  lade_sources_or_stub(${name} sources)
  add_library(lade_${name} STATIC ${sources})
  target_link_libraries(lade_${name} PUBLIC lade_options ${ARGN})
endfunction()
