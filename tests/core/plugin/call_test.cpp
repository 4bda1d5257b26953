// What a plugin throws leaves with its id in front, once.
#include "plugin/call.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "expect_refusal.h"

namespace facet {
namespace {

TEST(CallPlugin, gives_what_the_call_gives) {
  EXPECT_EQ(call_plugin("a", [] { return 7; }), 7);
}

TEST(CallPlugin, puts_the_id_in_front_once) {
  EXPECT_EQ(refusal_of([] {
              call_plugin("a.b", [] { call_plugin("a.b", [] { throw UserError("wrong"); }); });
            }),
            "a.b: wrong");
}

TEST(CallPlugin, names_each_plugin_on_the_way) {
  EXPECT_EQ(refusal_of([] {
              call_plugin("outer",
                          [] { call_plugin("inner", [] { throw std::out_of_range("far"); }); });
            }),
            "outer: inner: far");
}

TEST(CallPlugin, keeps_torch_errors_short) {
  EXPECT_EQ(refusal_of([] { call_plugin("a", [] { TORCH_CHECK(false, "shapes disagree"); }); }),
            "a: shapes disagree");
}

TEST(CallPlugin, survives_what_is_no_exception) {
  EXPECT_EQ(refusal_of([] { call_plugin("a", [] { throw 7; }); }),
            "a: threw something that is no std::exception");
}

TEST(CallPlugin, lets_stopped_and_bugs_keep_their_type) {
  EXPECT_THROW(call_plugin("a", [] { throw Stopped("asked to"); }), Stopped);
  EXPECT_THROW(call_plugin("a", [] { throw Bug("ours"); }), Bug);
}

}  // namespace
}  // namespace facet
