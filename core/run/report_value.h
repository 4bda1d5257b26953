// A report as a value that a run's record keeps, and back: what was computed once is shown again.
#pragma once

#include "facet/analysis.h"

namespace facet {

/// Everything of a report (of tables, the head); report_of gives back the same, also for numbers
/// that are not finite, which JSON cannot hold.
Value report_value(const Report& report);
Report report_of(const Value& value);

}  // namespace facet
