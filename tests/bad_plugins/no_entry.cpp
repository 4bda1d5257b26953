// Has the right tag, and nothing behind it.
#include "nothing.h"

extern "C" FACET_EXPORT const char facet_build_tag[];
extern "C" const char facet_build_tag[] = FACET_BUILD_TAG;
