// Every figure that is worked out of the sums over rows, with its definition and source.
#pragma once

#include <span>

#include "row_sums.h"

enum class Shown {
  always = 1,
  with_all,  ///< another definition of a word that `always` has: figures = "all"
};

/// One figure: a function of the sums of any rows, so that a bootstrap can ask it of a resample.
/// NaN where the definition divides by zero.
struct Measure {
  const char* name;
  double (*of)(const Sums& sums);
  Shown shown;
  const char* definition;
  const char* target;  ///< what a good SAE has, and who says so; may be empty
};

std::span<const Measure> measures();
