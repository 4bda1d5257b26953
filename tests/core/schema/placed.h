// Values with the place they were written at, as a manifest gives them.
#pragma once

#include <string>
#include <utility>

#include "facet/value.h"

inline facet::Value placed(facet::Value v, int line, int column, const std::string& folder = "") {
  v.origin = {"topk.toml", line, column, folder};
  return v;
}
