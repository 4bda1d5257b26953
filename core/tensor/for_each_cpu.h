// FACET_FOR_EACH_CPU before a function: it is compiled for several instruction sets, and chosen
// when the program starts. FACET_IN_EACH before one that it calls: a part of each.
#pragma once

// A resolver that picks a clone runs before a sanitizer is ready, so sanitized builds have one
// version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FACET_FOR_EACH_CPU \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FACET_FOR_EACH_CPU
#endif
#define FACET_IN_EACH inline __attribute__((always_inline))
