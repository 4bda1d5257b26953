// The part that the broken plugins register: an analysis that does nothing.
#pragma once

#include <facet/plugin.h>

void add_nothing(facet::Registry& registry, const char* name);
