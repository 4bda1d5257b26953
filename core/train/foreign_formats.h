// One reader for each format of other programs.
#pragma once

#include "train/foreign_sae.h"

namespace facet {

ForeignFormat saelens_format();
ForeignFormat sparsify_format();
ForeignFormat dictionary_learning_format();
/// Checkpoints of the two biological trainers, which say less of themselves than they should.
ForeignFormat checkpoint_format();

}  // namespace facet
