// Throws UserError after its first part.
#include "nothing.h"

FACET_PLUGIN("bad.fill_throws_user_error", "1.0.0") {
  add_nothing(registry, "nothing");
  throw facet::UserError(std::vector<std::string>{"first problem", "second problem"});
}
