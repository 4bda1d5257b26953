---@meta facet
-- Written by `facet docs`; change the schema, not this file.

---A host model.
---@class facet.Host
---@field type string Its `type` in [host].
---@field layers integer Number of blocks.
---@field d_model integer Width of its hidden states.
---@field vocabulary integer Number of tokens.
---@field context integer Tokens it can read at once; 0: no limit.
---@field hookpoints string[] Every place where its rows can be read.

---Records to read. Only where [data] has a split:
---@class facet.Data
---@field train facet.Data The part to train on.
---@field eval facet.Data The part that is held out.

---Rows of a host at its hookpoints.
---@class facet.Activations
---@field name string Its `name` in [[activations]]; empty: the only one.
---@field d_in integer Width of a row.
---@field points integer Number of hookpoints in a row.
---@field hookpoints string[] The hookpoints, by their canonical names.

---A sparse autoencoder.
---@class facet.Sae
---@field name string Its `name` in [sae] or [[baseline]]; empty: the only one.
---@field type string Its architecture.
---@field d_sae integer Number of latents.
---@field d_in integer Width of the rows it reads.
---@field stream string The `name` of the rows it was made for.
---@field folder string Where its weights lie; empty: it is not trained yet.

---What an SAE said of every row.
---@class facet.Codes
---@field rows integer Number of rows.
---@field d_sae integer Number of latents.
---@field key string Hash of all that decides them.

---Keys of every [baseline].
---@class facet.args.baseline
---@field type? string Architecture; `facet list` shows them. Required.
---@field name? string Its column in the report and its folder; by default its type. Default: "".
---@field rows? integer Rows it is trained on; one pass over the data at most. Unit: rows. Must be at least 1. Default: 65536.
---@field seed? integer Root of its own random streams; -1: the run's seed. Must be at least -1. Default: -1.

---The largest activations of a whole batch (arXiv:2412.06410).
---@class facet.args.baseline.batch_topk: facet.args.baseline
---@field type? "batch_topk"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "saelens". Default: "none".
---@field k? number Latents kept per row, on average over a batch; may be 6.5. Must be above 0. Default: 32.0.
---@field select_by_norm? boolean Codes are activations times the norm of their row of W_dec, and are ranked so (SAELens' rescale_acts_by_decoder_norm). Default: false.
---@field l1_coefficient? number Weight of an L1 term on what is kept; 0: none. Must be at least 0. Default: 0.0.
---@field threshold_from? "first"|"zero" Where the threshold begins: at the first batch that it follows, or at zero (SAELens). Must be one of "first", "zero". Default: "first".
---@field threshold_rate? number Share of the newest batch in the running threshold. Must be between 0 and 1. Default: 0.01.
---@field threshold_after? integer Steps before the threshold follows. Unit: steps. Must be at least 0. Default: 0.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---The host's neurons as they are: a baseline.
---@class facet.args.baseline.identity: facet.args.baseline
---@field type? "identity"

---Latents above thresholds that learn (arXiv:2407.14435).
---@class facet.args.baseline.jumprelu: facet.args.baseline
---@field type? "jumprelu"
---@field compat? "none"|"dictionary_learning"|"opensae"|"routesae"|"routesae_repro"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "dictionary_learning", "opensae", "routesae", "routesae_repro", "saelens". Default: "none".
---@field threshold? number Every latent's threshold at the start. Must be at least 0. Default: 0.001.
---@field bandwidth? number Width of the window around a threshold from which it learns (arXiv:2407.14435, epsilon). Must be above 0. Default: 0.001.
---@field l0_coefficient? number Weight of the L0 term, already inside the loss that is reported. Must be at least 0. Default: 0.001.
---@field l0_target? number The L0 term is (L0 / l0_target - 1)^2 (dictionary_learning); 0: L0 itself. Must be at least 0. Default: 0.0.
---@field l0_on? "pre"|"post" What the L0 term counts: pre-activations above the threshold, or codes, of which those below are 0 and teach it nothing. Must be one of "pre", "post". Default: "pre".
---@field threshold_floor? boolean Keep thresholds at or above 0: set to 0 before each pass (SAELens). Default: true.
---@field threshold_learns? boolean Thresholds learn; false: they stay what they are at the start (OpenSAE). Default: true.
---@field at_least_one? boolean With threshold_learns = false: a row with nothing above the thresholds keeps its largest activation (OpenSAE). Default: false.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.0.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---The first principal components of the rows: a baseline.
---@class facet.args.baseline.pca: facet.args.baseline
---@field type? "pca"
---@field k? integer Components kept, those of largest variance; also the number of latents, at most the width of the rows. Must be at least 1. Required.

---The k largest of fixed random directions: a baseline.
---@class facet.args.baseline.random: facet.args.baseline
---@field type? "random"
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field k? integer Latents kept per row, the largest, then ReLU. Must be at least 1. Default: 32.

---Every positive latent, few by an L1 penalty.
---@class facet.args.baseline.relu: facet.args.baseline
---@field type? "relu"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"helix_sae"|"interplm"|"routesae"|"routesae_repro"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "helix_sae", "interplm", "routesae", "routesae_repro", "saelens". Default: "none".
---@field l1_coefficient? number Weight of the L1 term, already inside the loss that is reported. Must be at least 0. Default: 0.001.
---@field l1? "l1"|"l1_weighted"|"l1_by_element" The L1 term: l1 sums over latents, l1_weighted weighs each by the norm of its row of W_dec, l1_by_element is the mean over latents. Must be one of "l1", "l1_weighted", "l1_by_element". Default: "l1".
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.0.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---One TopK for several hookpoints, one of them for each row (arXiv:2503.08200).
---@class facet.args.baseline.route: facet.args.baseline
---@field type? "route"
---@field compat? "none"|"routesae"|"routesae_repro" Stands for the form of a source; keys that are set win. Must be one of "none", "routesae", "routesae_repro". Default: "none".
---@field k? integer Latents kept per row: the largest pre-activations. Must be at least 1. Default: 32.
---@field infer_k? integer Latents kept per row once trained; 0 keeps k. Must be at least 0. Default: 0.
---@field relu? boolean Negative ones among the k become 0; the paper keeps them as they are. Default: true.
---@field routing? "hard"|"soft" hard codes the row of the most likely hookpoint, soft the mean of all hookpoints' rows under the router's weights. Must be one of "hard", "soft". Default: "hard".
---@field aggregate? "mean"|"sum" What the router reads of a row's hookpoints. Must be one of "mean", "sum". Default: "mean".
---@field router_bias? boolean Give the router a bias; the paper has none. Default: true.
---@field scale_by_weight? boolean With hard routing, in training: multiply the chosen row by its weight, from which alone the paper's router learns. Its gradient is zero while b_enc and b_dec are. Default: false.
---@field router_coefficient? number Weight of the loss router: the error that the router expects, each hookpoint's NMSE (held constant) times its weight; 0 leaves it out. Must be at least 0. Default: 1.0.
---@field balance_coefficient? number Weight of the loss balance, which keeps hookpoints in use (Fedus et al. 2021, arXiv:2101.03961, eq. 4); 0 leaves it out. Must be at least 0. Default: 0.01.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---Keeps the k largest latents of each row (arXiv:2406.04093).
---@class facet.args.baseline.topk: facet.args.baseline
---@field type? "topk"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"helix_sae"|"interprot"|"openai"|"opensae"|"rep_saes"|"routesae"|"routesae_repro"|"saelens"|"sparsify" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "helix_sae", "interprot", "openai", "opensae", "rep_saes", "routesae", "routesae_repro", "saelens", "sparsify". Default: "none".
---@field k? integer Latents kept per row: the largest pre-activations, then ReLU (Gao et al. 2024, eq. 3). Must be at least 1. Default: 32.
---@field k_start? integer Latents kept per row at the first step, from where they fall or rise to k over k_anneal steps along a line; 0: k from the start (dictionary_learning, sparsify). Must be at least 0. Default: 0.
---@field k_anneal? integer With k_start: after how many steps k is reached. Unit: steps. Must be at least 0. Default: 0.
---@field infer_k? integer Latents kept per row once trained; 0 keeps k (RouteSAE's infer_k). Must be at least 0. Default: 0.
---@field theta? number Once trained, keep every pre-activation above theta instead of the k largest; 0 is off (RouteSAE's theta). Must be at least 0. Default: 0.0.
---@field relu? boolean ReLU on what is kept; without it, kept values may be negative (RouteSAE). Default: true.
---@field select_by_norm? boolean Codes are pre-activations times the norm of their row of W_dec, and are ranked so (SAELens' rescale_acts_by_decoder_norm). Default: false.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "geometric_median".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---Keys of every [host].
---@class facet.args.host
---@field type? string Which part; `facet list` shows them. Required.
---@field name? string Tells this section from others of its kind. Default: "".

---Protein language models of the ESM-2 family, from a Hugging Face folder.
---@class facet.args.host.esm2: facet.args.host
---@field type? "esm2"
---@field weights? string Folder with config.json, vocab.txt and model.safetensors, or its shards and model.safetensors.index.json. Required.
---@field dtype? "f32"|"bf16" What weights and rows are kept and multiplied in; bf16 takes half the memory, keeps two to three digits, and is faster only where the processor has it. Must be one of "f32", "bf16". Default: "f32".
---@field specials? "both"|"cls"|"eos"|"none" Tokens added to each protein: <cls> in front and <eos> behind, as in training, or only one of them, or none. Must be one of "both", "cls", "eos", "none". Default: "both".
---@field unknown? "error"|"unk" A letter outside the vocabulary (J, *, lower case) is an error or becomes one <unk> (transformers: one for a run). Must be one of "error", "unk". Default: "error".
---@field masks? "token"|"error" <mask> written in a sequence is one masked residue, or an error. Must be one of "token", "error". Default: "token".
---@field context? integer Longest protein; ESM-2 was trained on at most 1022 residues and its two specials. Unit: residues. Must be at least 1. Default: 1022.
---@field longer? "error"|"compute" A protein beyond the context is an error, or is computed all the same: rotary positions go on, training did not. Must be one of "error", "compute". Default: "error".
---@field token_dropout? "config"|"on"|"off" Scale embeddings as in training (0.88 when nothing is masked, <mask> is zero), or leave them; config: as config.json says. Must be one of "config", "on", "off". Default: "config".
---@field inv_freq? "computed"|"stored" Rotary frequencies computed, as transformers does, or as stored in the file, as fair-esm does; released files store them rounded to half precision. Must be one of "computed", "stored". Default: "computed".

---A small transformer over letters, weights from a seed; for tests and documentation.
---@class facet.args.host.toy: facet.args.host
---@field type? "toy"
---@field d? integer Width of the residual stream. Must be at least 2. Default: 32.
---@field blocks? integer Number of transformer blocks. Must be at least 1. Default: 2.
---@field heads? integer Attention heads of each block. Must be at least 1. Default: 4.
---@field seed? integer Seed of the weights. Must be at least 0. Default: 0.
---@field unknown? "error"|"unk" A letter outside the vocabulary is an error or becomes <unk>. Must be one of "error", "unk". Default: "error".

---Keys of every [data].
---@class facet.args.data
---@field type? string Kind of source. Required.
---@field case? "keep"|"upper" Case of the letters: as they stand, or a to z as A to Z (soft-masked sequences have lower case, which most models do not know). Must be one of "keep", "upper". Default: "keep".
---@field exclude? string FASTA file, or a folder of them; records whose whole sequence is exactly one of it are left out. Default: "".
---@field max_length? integer Longest sequence; 0: no limit. Unit: letters. Must be at least 0. Default: 0.
---@field longer? "drop"|"truncate"|"window" What happens to longer sequences; windows follow one another, NAME/1-1022 and on. Must be one of "drop", "truncate", "window". Default: "drop".
---@field skip? integer Leave out the first so many of the records that exclusion and dropping left. Unit: records. Must be at least 0. Default: 0.
---@field limit? integer Then use the first so many; 0: all. Windows do not count, only whole records. Unit: records. Must be at least 0. Default: 0.
---@field sample? integer Then draw so many at random, in their order; 0: all. Unit: records. Must be at least 0. Default: 0.
---@field sample_seed? integer Root of the draw. Must be at least 0. Default: 0.
---@field split? facet.args.data.split Holds records out for evaluation.

---Holds records out for evaluation.
---@class facet.args.data.split
---@field eval? number Share of the records that is held out, 1/n for a whole n; 0: no split. Must be between 0 and 0.5. Default: 0.0.
---@field by? "name"|"sequence" What decides: a record is held out when sha256 of its name, or of its sequence, as a number, is divisible by n. By sequence, equal sequences never fall on both sides. Must be one of "name", "sequence". Default: "name".

---Sequences of FASTA files.
---@class facet.args.data.fasta: facet.args.data
---@field type? "fasta"
---@field path? string FASTA file, or a folder of them; plain, gzip or zstd. Required.
---@field sha256? string SHA-256 of the file's bytes (of a folder: of its names and contents); refused when it differs. Default: "".
---@field stop? "keep"|"remove" What happens to "*" at the end of a sequence, which translation programs write for the stop codon. Must be one of "keep", "remove". Default: "keep".

---Sequences or texts of JSON Lines files.
---@class facet.args.data.jsonl: facet.args.data
---@field type? "jsonl"
---@field path? string File with one JSON object a line, or a folder of them; plain, gzip or zstd. Required.
---@field sha256? string SHA-256 of the file's bytes (of a folder: of its names and contents); refused when it differs. Default: "".
---@field id? string Key that names a record; empty: the file's name and the line. Default: "id".
---@field text? string Key of the sequence or text. Default: "text".

---Rows made from a known dictionary, so that its recovery can be measured.
---@class facet.args.data.synthetic: facet.args.data
---@field type? "synthetic"
---@field d? integer Width of a row. Must be at least 1. Default: 64.
---@field features? integer Features in the dictionary. Must be at least 1. Default: 256.
---@field rows? integer Rows of one epoch. Unit: rows. Must be at least 1. Default: 1000000.
---@field active? number Mean number of features that fire in a row. Must be above 0. Default: 8.0.
---@field correlation? number Correlation of firing between the two features of each pair (0 and 1, 2 and 3, ...). Must be between 0 and 1. Default: 0.0.
---@field noise? number Standard deviation of Gaussian noise in each coordinate. Must be at least 0. Default: 0.0.
---@field magnitudes? (number)[] Least and largest magnitude of a feature that fires; uniform between them. Default: [0.5, 1.5].
---@field seed? integer Seed of the dictionary and the rows. Must be at least 0. Default: 0.

---Lines, paragraphs or whole files of plain text.
---@class facet.args.data.text: facet.args.data
---@field type? "text"
---@field path? string Text file, or a folder of them; plain, gzip or zstd. Required.
---@field sha256? string SHA-256 of the file's bytes (of a folder: of its names and contents); refused when it differs. Default: "".
---@field record? "line"|"paragraph"|"file" What one record is; paragraphs are parted by blank lines. Must be one of "line", "paragraph", "file". Default: "line".

---Sequences in a column of tables, as UniProt's downloads are.
---@class facet.args.data.tsv: facet.args.data
---@field type? "tsv"
---@field path? string Table of columns parted by tabs, or a folder of them; plain, gzip or zstd. Required.
---@field sha256? string SHA-256 of the file's bytes (of a folder: of its names and contents); refused when it differs. Default: "".
---@field id? string Column that names a record; empty: the file's name and the line. Default: "Entry".
---@field text? string Column with the sequence or text. Default: "Sequence".

---Keys of run:activations.
---@class facet.args.activations
---@field host? facet.Host The model.
---@field data? facet.Data The records.
---@field name? string Name of the stream when there are several. Default: "".
---@field hookpoints? any Where rows are read: names, globs or ranges, as a string or a list.
---@field rows? "content"|"all" Which tokens give rows: content leaves out those the host added. Must be one of "content", "all". Default: "content".
---@field buffer_rows? integer How many rows are shuffled together. Unit: rows. Must be at least 1. Default: 65536.
---@field batch_tokens? integer Tokens of one forward pass of the host; a longer sequence is a pass of its own. Unit: tokens. Must be at least 1. Default: 8192.
---@field pads? boolean Rows of pads too, as programs have them that pad sequences and forget it. Default: false.
---@field max_norm? number Leaves out rows whose norm exceeds so many times the median norm of the rows of one forward pass of the host (dictionary_learning's max_norm_factor, 10 there); 0: none. How many rows an epoch has is then unknown beforehand. Must be at least 0. Default: 0.0.
---@field pool? "none"|"mean"|"max" One row for each sequence instead of one for each token: the mean or the largest of each number over the rows that are kept. Must be one of "none", "mean", "max". Default: "none".
---@field store? "live"|"disk" disk keeps the host's rows under store/ beside the runs folder, so that it runs once; live runs it again in each epoch. The bits are the same. Must be one of "live", "disk". Default: "live".
---@field prefetch? boolean While a training works on its rows, the host (or the disk) makes the next ones on a thread of its own; up to buffer_rows of them wait in memory. The bits are the same. Default: true.
---@field normalize? any The normaliser: its name, or a table with its type and parameters.

---Keys of every [sae].
---@class facet.args.sae
---@field on? facet.Activations The rows.
---@field type? string Architecture; `facet list` shows them. Default: "".
---@field name? string Tells this SAE from others of the run. Default: "".
---@field on? string Name of the [[activations]] it learns from, where the manifest has several. Default: "".
---@field from? string Folder of a finished SAE, or id of the run that trained it, to start from. Default: "".
---@field seed? integer Root of the SAE's own random streams; -1: the run's seed. Must be at least -1. Default: -1.

---The largest activations of a whole batch (arXiv:2412.06410).
---@class facet.args.sae.batch_topk: facet.args.sae
---@field type? "batch_topk"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "saelens". Default: "none".
---@field k? number Latents kept per row, on average over a batch; may be 6.5. Must be above 0. Default: 32.0.
---@field select_by_norm? boolean Codes are activations times the norm of their row of W_dec, and are ranked so (SAELens' rescale_acts_by_decoder_norm). Default: false.
---@field l1_coefficient? number Weight of an L1 term on what is kept; 0: none. Must be at least 0. Default: 0.0.
---@field threshold_from? "first"|"zero" Where the threshold begins: at the first batch that it follows, or at zero (SAELens). Must be one of "first", "zero". Default: "first".
---@field threshold_rate? number Share of the newest batch in the running threshold. Must be between 0 and 1. Default: 0.01.
---@field threshold_after? integer Steps before the threshold follows. Unit: steps. Must be at least 0. Default: 0.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---The host's neurons as they are: a baseline.
---@class facet.args.sae.identity: facet.args.sae
---@field type? "identity"

---Latents above thresholds that learn (arXiv:2407.14435).
---@class facet.args.sae.jumprelu: facet.args.sae
---@field type? "jumprelu"
---@field compat? "none"|"dictionary_learning"|"opensae"|"routesae"|"routesae_repro"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "dictionary_learning", "opensae", "routesae", "routesae_repro", "saelens". Default: "none".
---@field threshold? number Every latent's threshold at the start. Must be at least 0. Default: 0.001.
---@field bandwidth? number Width of the window around a threshold from which it learns (arXiv:2407.14435, epsilon). Must be above 0. Default: 0.001.
---@field l0_coefficient? number Weight of the L0 term, already inside the loss that is reported. Must be at least 0. Default: 0.001.
---@field l0_target? number The L0 term is (L0 / l0_target - 1)^2 (dictionary_learning); 0: L0 itself. Must be at least 0. Default: 0.0.
---@field l0_on? "pre"|"post" What the L0 term counts: pre-activations above the threshold, or codes, of which those below are 0 and teach it nothing. Must be one of "pre", "post". Default: "pre".
---@field threshold_floor? boolean Keep thresholds at or above 0: set to 0 before each pass (SAELens). Default: true.
---@field threshold_learns? boolean Thresholds learn; false: they stay what they are at the start (OpenSAE). Default: true.
---@field at_least_one? boolean With threshold_learns = false: a row with nothing above the thresholds keeps its largest activation (OpenSAE). Default: false.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.0.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---The first principal components of the rows: a baseline.
---@class facet.args.sae.pca: facet.args.sae
---@field type? "pca"
---@field k? integer Components kept, those of largest variance; also the number of latents, at most the width of the rows. Must be at least 1. Required.

---The k largest of fixed random directions: a baseline.
---@class facet.args.sae.random: facet.args.sae
---@field type? "random"
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field k? integer Latents kept per row, the largest, then ReLU. Must be at least 1. Default: 32.

---Every positive latent, few by an L1 penalty.
---@class facet.args.sae.relu: facet.args.sae
---@field type? "relu"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"helix_sae"|"interplm"|"routesae"|"routesae_repro"|"saelens" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "helix_sae", "interplm", "routesae", "routesae_repro", "saelens". Default: "none".
---@field l1_coefficient? number Weight of the L1 term, already inside the loss that is reported. Must be at least 0. Default: 0.001.
---@field l1? "l1"|"l1_weighted"|"l1_by_element" The L1 term: l1 sums over latents, l1_weighted weighs each by the norm of its row of W_dec, l1_by_element is the mean over latents. Must be one of "l1", "l1_weighted", "l1_by_element". Default: "l1".
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.0.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---One TopK for several hookpoints, one of them for each row (arXiv:2503.08200).
---@class facet.args.sae.route: facet.args.sae
---@field type? "route"
---@field compat? "none"|"routesae"|"routesae_repro" Stands for the form of a source; keys that are set win. Must be one of "none", "routesae", "routesae_repro". Default: "none".
---@field k? integer Latents kept per row: the largest pre-activations. Must be at least 1. Default: 32.
---@field infer_k? integer Latents kept per row once trained; 0 keeps k. Must be at least 0. Default: 0.
---@field relu? boolean Negative ones among the k become 0; the paper keeps them as they are. Default: true.
---@field routing? "hard"|"soft" hard codes the row of the most likely hookpoint, soft the mean of all hookpoints' rows under the router's weights. Must be one of "hard", "soft". Default: "hard".
---@field aggregate? "mean"|"sum" What the router reads of a row's hookpoints. Must be one of "mean", "sum". Default: "mean".
---@field router_bias? boolean Give the router a bias; the paper has none. Default: true.
---@field scale_by_weight? boolean With hard routing, in training: multiply the chosen row by its weight, from which alone the paper's router learns. Its gradient is zero while b_enc and b_dec are. Default: false.
---@field router_coefficient? number Weight of the loss router: the error that the router expects, each hookpoint's NMSE (held constant) times its weight; 0 leaves it out. Must be at least 0. Default: 1.0.
---@field balance_coefficient? number Weight of the loss balance, which keeps hookpoints in use (Fedus et al. 2021, arXiv:2101.03961, eq. 4); 0 leaves it out. Must be at least 0. Default: 0.01.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "zero".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---Keeps the k largest latents of each row (arXiv:2406.04093).
---@class facet.args.sae.topk: facet.args.sae
---@field type? "topk"
---@field compat? "none"|"bussmann"|"dictionary_learning"|"helix_sae"|"interprot"|"openai"|"opensae"|"rep_saes"|"routesae"|"routesae_repro"|"saelens"|"sparsify" Stands for the form of a peer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "helix_sae", "interprot", "openai", "opensae", "rep_saes", "routesae", "routesae_repro", "saelens", "sparsify". Default: "none".
---@field k? integer Latents kept per row: the largest pre-activations, then ReLU (Gao et al. 2024, eq. 3). Must be at least 1. Default: 32.
---@field k_start? integer Latents kept per row at the first step, from where they fall or rise to k over k_anneal steps along a line; 0: k from the start (dictionary_learning, sparsify). Must be at least 0. Default: 0.
---@field k_anneal? integer With k_start: after how many steps k is reached. Unit: steps. Must be at least 0. Default: 0.
---@field infer_k? integer Latents kept per row once trained; 0 keeps k (RouteSAE's infer_k). Must be at least 0. Default: 0.
---@field theta? number Once trained, keep every pre-activation above theta instead of the k largest; 0 is off (RouteSAE's theta). Must be at least 0. Default: 0.0.
---@field relu? boolean ReLU on what is kept; without it, kept values may be negative (RouteSAE). Default: true.
---@field select_by_norm? boolean Codes are pre-activations times the norm of their row of W_dec, and are ranked so (SAELens' rescale_acts_by_decoder_norm). Default: false.
---@field d_sae? integer Number of latents. Must be at least 1. Required.
---@field error? "mse"|"mse_by_element"|"nmse"|"l2_loss"|"fvu"|"fvu_by_column" The error term: mse sums over the width, mse_by_element is its mean, nmse is a share of each row's energy, l2_loss is the mean length of the error, fvu is a share of the batch's variance, fvu_by_column the mean of such shares over the width. Must be one of "mse", "mse_by_element", "nmse", "l2_loss", "fvu", "fvu_by_column". Default: "mse".
---@field error_in? "normalised"|"host" The units of the error: rows as the normaliser gives them, or as the host does, where each row was normalised by itself. Must be one of "normalised", "host". Default: "normalised".
---@field error_coefficient? number Weight of the error term, already inside the loss that is reported; 0: one over the variance of the first batch (Gao et al. 2024). Must be at least 0. Default: 1.0.
---@field centre? boolean Subtract b_dec before encoding. Default: true.
---@field encoder_bias? boolean Add b_enc; the BatchTopK originals have none. Default: true.
---@field decoder_bias? boolean Add b_dec; SAE_Helix_mRNA has none. Without it rows are not centred. Default: true.
---@field b_enc_start? number What b_enc is before the first step. Default: 0.0.
---@field decoder_norm? "never"|"after_step"|"after_backward"|"before_pass" When rows of W_dec are set to norm 1. Must be one of "never", "after_step", "after_backward", "before_pass". Default: "after_step".
---@field decoder_norm_every? integer With decoder_norm = after_step: every so many steps. Unit: steps. Must be at least 1. Default: 1.
---@field decoder_norm_over? "rows"|"columns" What of W_dec has norm 1 and is projected on: rows, one a latent, or columns, one a dimension of the host (InterProt). Must be one of "rows", "columns". Default: "rows".
---@field project_gradient? boolean Take from the gradient of each row of W_dec its part along the row. Default: true.
---@field encoder_start? "decoder"|"width"|"latents"|"kaiming_latents"|"xavier" How W_enc is drawn: as W_dec transposed, or uniform within 1/sqrt(width), 1/sqrt(latents), sqrt(6/latents) or sqrt(6/(width + latents)), W_dec then being its transpose. Must be one of "decoder", "width", "latents", "kaiming_latents", "xavier". Default: "decoder".
---@field decoder_init_norm? number Norm of the rows of W_dec at the start; 0: as W_enc was drawn. Must be at least 0. Default: 1.0.
---@field b_dec_start? "zero"|"mean"|"geometric_median" What b_dec is before the first step, from the first batch (geometric median: Gao et al. 2024, appendix A.1). Must be one of "zero", "mean", "geometric_median". Default: "geometric_median".
---@field aux? "variance"|"openai"|"scaled"|"attached"|"interprot"|"rep_saes"|"opensae"|"sparsify"|"ghost" The form of auxk, with which dead latents learn what the live ones leave over; ghost: ghost gradients. Must be one of "variance", "openai", "scaled", "attached", "interprot", "rep_saes", "opensae", "sparsify", "ghost". Default: "variance".
---@field aux_coefficient? number Weight of auxk, already inside the loss that is reported; 0 leaves it out (1/32 in Gao et al. 2024, appendix A.2). Must be at least 0. Default: 0.03125.
---@field k_aux? integer Dead latents per row in auxk; 0: half of d_in (Gao et al. 2024, appendix A.2, near d_in / 2). Must be at least 0. Default: 0.
---@field pre_act_coefficient? number Weight of the term that pulls dead latents up to where they fire (SAELens); 0 leaves it out. Must be at least 0. Default: 0.0.

---Keys of run:streams.
---@class facet.args.streams
---@field host? facet.Host The model.
---@field data? facet.Data The records.

---Keys of run:saes.
---@class facet.args.saes
---@field on? facet.Activations[] What run:streams gave.

---Keys of run:train.
---@class facet.args.train
---@field sae? facet.Sae|facet.Sae[] What is trained.
---@field on? facet.Activations Its rows; nothing: those it was made for.
---@field eval_on? facet.Activations|facet.Activations[] Held-out rows, for `eval_every`; of several streams, by their names.
---@field on_step? fun(m: table<string, any>, state: table): boolean? Called after each step; false ends the training.
---@field compat? "none"|"bussmann"|"dictionary_learning"|"helix_sae"|"interplm"|"interprot"|"openai"|"opensae"|"rep_saes"|"routesae"|"routesae_repro"|"saelens"|"sparsify" Stands for the settings of a peer's trainer; keys that are set win. Must be one of "none", "bussmann", "dictionary_learning", "helix_sae", "interplm", "interprot", "openai", "opensae", "rep_saes", "routesae", "routesae_repro", "saelens", "sparsify". Default: "none".
---@field steps? integer Length of the training. Unit: steps. Must be at least 1. Default: 0.
---@field total_rows? integer Length of the training. Unit: rows. Must be at least 1. Default: 0.
---@field epochs? integer Length of the training: passes over the data. Unit: epochs. Must be at least 1. Default: 0.
---@field batch? integer Rows of one step. Unit: rows. Must be at least 1. Default: 4096.
---@field accumulate? integer Parts of a batch that are worked through one after the other, their gradients added up: less memory. Losses that look at a whole batch (batch_topk, auxk) look at a part. Must be at least 1. Default: 1.
---@field precision? "fp32"|"bf16" bf16: matrix products of the forward pass are of bf16 numbers; weights, losses and the optimiser stay fp32. Must be one of "fp32", "bf16". Default: "fp32".
---@field end_to_end? "none"|"kl"|"ce" A loss of the host with the SAE in it, instead of the SAE's error: kl between the host's predictions with and without, or ce of the tokens. Needs whole sequences: rows come in their order, not shuffled. Must be one of "none", "kl", "ce". Default: "none".
---@field end_to_end_coefficient? number Weight of that loss, already inside the loss that is reported. Must be above 0. Default: 1.0.
---@field end_to_end_error? boolean Keep the SAE's own error, the first of its losses, beside it. Default: false.
---@field lr? number Learning rate between rise and fall. Must be above 0. Default: 3e-04.
---@field warmup? number Share of the steps over which the learning rate rises. Must be between 0 and 1. Default: 0.05.
---@field warmup_from? "stair"|"zero" Where the learning rate begins to rise: at one stair of the rise, or at zero. Must be one of "stair", "zero". Default: "stair".
---@field sparsity_warmup? number Share of the steps over which the weight of sparsity losses rises from 0. Must be between 0 and 1. Default: 0.0.
---@field decay? number Share of the steps, at the end, over which the learning rate falls. Must be between 0 and 1. Default: 0.2.
---@field schedule? "linear"|"cosine" Between rise and fall the learning rate stays (linear), or falls to lr_end along a cosine, once or in lr_cycles. Must be one of "linear", "cosine". Default: "linear".
---@field lr_end? number With a cosine: its end, as a share of lr. Must be between 0 and 1. Default: 0.1.
---@field lr_cycles? integer With a cosine: how often it starts anew. Must be at least 1. Default: 1.
---@field lr_scale? "none"|"latents" What lr is multiplied with: nothing, or sqrt(2^14 / d_sae), less for more latents (dictionary_learning, sparsify, OpenSAE). Must be one of "none", "latents". Default: "none".
---@field optimiser? "adam"|"signum"|"muon" What moves parameters along their gradients: adam (AdamW with weight_decay), signum (signs of gradients, schedule-free), or muon (orthogonal steps for matrices, Adam for the rest). Must be one of "adam", "signum", "muon". Default: "adam".
---@field momentum? number With signum: how near gradients are taken to the mean of the steps. With muon: the decay of its momentum. Must be between 1e-06 and 0.9999999. Default: 0.95.
---@field vector_warmup? number With muon: share of the steps over which the learning rate of what is not a matrix rises, from zero. Must be between 0 and 1. Default: 0.0.
---@field beta1? number Adam's decay of the first moment. Must be between 0 and 0.9999999. Default: 0.9.
---@field beta2? number Adam's decay of the second moment. Must be between 0 and 0.9999999. Default: 0.999.
---@field eps? number Adam's guard against division by 0. Must be above 0. Default: 1e-08.
---@field weight_decay? number Each step takes lr times this share from every parameter (AdamW), with muon from every matrix; 0: nothing. Must be at least 0. Default: 0.0.
---@field clip? number Largest norm of the whole gradient; 0: off. Must be at least 0. Default: 1.0.
---@field clip_first? boolean Limit the gradient before the SAE takes parts out of it, not after. Default: false.
---@field keep_gradients? boolean Never clear gradients, so that they add up over the steps: OpenAI's loop as published, for comparison only. Default: false.
---@field dead_counted? "before"|"after" Whether a step's dead latents are known before or after its firing is counted. Must be one of "before", "after". Default: "before".
---@field dead_after_rows? integer A latent that has not fired for so long is dead; 0 here and in dead_after_steps: a tenth of the run. Unit: rows. Must be at least 0. Default: 0.
---@field dead_after_steps? integer The same in steps, when dead_after_rows is 0. Unit: steps. Must be at least 0. Default: 0.
---@field fired_if? "above"|"nonzero"|"selected" When a latent counts as fired: its value is above fired_above, is not 0, or it was selected, even as 0. Must be one of "above", "nonzero", "selected". Default: "above".
---@field fired_above? number With fired_if = above: the value that is not enough. Must be at least 0. Default: 0.0.
---@field revive_every? integer How often dead latents begin anew from rows that come back badly; the learning rate then rises again. 0: never. Unit: steps. Must be at least 0. Default: 0.
---@field skip_spikes? number A step whose loss exceeds so many times the mean of the last 100 changes nothing; 0: off. Must be at least 0. Default: 0.0.
---@field normalise_rows? integer Rows that the normaliser looks at. Unit: rows. Must be at least 1. Default: 65536.
---@field log_every? integer How often metrics are recorded. Unit: steps. Must be at least 1. Default: 50.
---@field checkpoint_every? integer How often a checkpoint is written; 0: only at a stop. Unit: steps. Must be at least 0. Default: 1000.
---@field eval_every? integer How often the SAE is measured on the held-out rows `eval_on`; 0: never. Unit: steps. Must be at least 0. Default: 0.
---@field eval_batches? integer Held-out rows of an evaluation, in batches of `batch`, from the first one on. Unit: batches. Must be at least 1. Default: 8.
---@field best? string The figure by which the best SAE is kept: one of the evaluation (nmse), or train.NAME, a metric of the step (train.loss); empty: none is kept. Default: "".
---@field best_is? "auto"|"least"|"greatest" Which value of it is the best; auto: the least, but for explained_variance and cosine. Must be one of "auto", "least", "greatest". Default: "auto".
---@field patience? integer The training ends when `best` has not improved for so long; 0: it does not. Unit: evaluations. Must be at least 0. Default: 0.
---@field patience_delta? number By more than this it must change to count as improved, for patience. Must be at least 0. Default: 0.0.
---@field keep_checkpoints? integer SAEs that are kept on the way, evenly between the start and the end. Must be at least 0. Default: 0.
---@field keep_at? (integer)[] Steps after which the SAE is kept. Unit: steps. Must be at least 1. Default: [].

---Keys of run:baselines.
---@class facet.args.baselines
---@field like? facet.Sae The trained SAE, whose `k` and `d_sae` they take.
---@field on? facet.Activations The rows.
---@field baseline? facet.args.baseline[] In place of the manifest's.

---Keys of run:encode.
---@class facet.args.encode
---@field sae? facet.Sae The SAE.
---@field on? facet.Activations The rows.
---@field name? string Tells these codes from others of the run. Default: "".
---@field pool? "none"|"mean"|"max" One row of codes for each sequence instead of one for each token: the mean (zeros counted) or the largest of each latent over the rows that are kept. Must be one of "none", "mean", "max". Default: "none".

---Keys of every [analysis].
---@class facet.args.analysis
---@field on? facet.Codes|facet.Activations What an SAE said of the rows, or the rows.
---@field sae? facet.Sae By default the codes' own.
---@field host? facet.Host By default the rows' own.
---@field data? facet.Data Records, for analyses that read them.
---@field type? string Which part; `facet list` shows them. Required.
---@field name? string Tells this section from others of its kind. Default: "".

---How often each latent fires, and in which proteins and residues.
---@class facet.args.analysis.latents: facet.args.analysis
---@field type? "latents"
---@field examples? integer Sequences listed for each latent, strongest first. Must be at least 1. Default: 5.
---@field latents? integer Latents whose examples are listed, the first in `order`; 0: all that fire. Must be at least 0. Default: 0.
---@field window? integer Letters shown on each side of the strongest one. Unit: letters. Must be at least 0. Default: 10.
---@field dimensions? integer Dimensions of the row listed for each latent, those of largest |W_dec|. Must be at least 0. Default: 3.
---@field order? "telling"|"frequency" Which latents stand first: the most telling (they fire in few sequences, and strongly there), or the most frequent. Must be one of "telling", "frequency". Default: "telling".
---@field least_sequences? integer By telling, latents that fire in fewer sequences stand after the others: they cannot show what sequences have in common. Unit: sequences. Must be at least 1. Default: 5.
---@field max_frequency? number Latents that fire on a larger share of the rows are called dense and stand last. Must be between 0 and 1. Default: 0.1.

---Sparsity, reconstruction, dead latents, and recovery of known features.
---@class facet.args.analysis.metrics: facet.args.analysis
---@field type? "metrics"
---@field baseline? "untrained"|"none" What the figures are compared with: the same SAE before training, or nothing. Must be one of "untrained", "none". Default: "untrained".
---@field figures? "main"|"all" main: one definition of each word; all: also the other definitions of nmse, explained variance, mse and l1 that papers and programs use. Must be one of "main", "all". Default: "main".
---@field resamples? integer Resamples of the bootstrap behind the intervals; 0: no intervals. Must be at least 0. Default: 1000.

---Keys of run:analyze_all.
---@class facet.args.analyze_all
---@field on? facet.Codes|facet.Activations What an SAE said of the rows, or the rows.
---@field sae? facet.Sae By default the codes' own.
---@field host? facet.Host By default the rows' own.
---@field data? facet.Data Records, for analyses that read them.

---Keys of facet.run.
---@class facet.args.run
---@field facet? integer Format of the manifest. Must be between 1 and 1. Default: 1.
---@field script? string The Lua script that the manifest is for. Default: "".
---@field name? string Folder of the run under the runs folder; by default the manifest's own name. Default: "".
---@field seed? integer Root of every random stream. Must be at least 0. Default: 0.
---@field notes? string Anything worth keeping with the run. Default: "".
---@field tensorboard? boolean Write the metrics of trainings for TensorBoard too, into tensorboard/. Default: false.

---One run: a folder with all that it was made of and all that came out.
---@class facet.Run
---@field id string Hash of all that can change its result.
---@field folder string Where it lies.
---@field seed integer Root of every random stream.
local run = {}

---Loads a host model.
---@param keys? facet.args.host|facet.args.host.esm2|facet.args.host.toy
---@return facet.Host
function run:host(keys) end

---Opens records to read.
---@param keys? facet.args.data|facet.args.data.fasta|facet.args.data.jsonl|facet.args.data.synthetic|facet.args.data.text|facet.args.data.tsv
---@return facet.Data
function run:data(keys) end

---Rows of a host at its hookpoints, over the records of some data.
---@param keys? facet.args.activations
---@return facet.Activations
function run:activations(keys) end

---Makes an SAE, or loads a finished one (`from`).
---@param keys? facet.args.sae|facet.args.sae.batch_topk|facet.args.sae.identity|facet.args.sae.jumprelu|facet.args.sae.pca|facet.args.sae.random|facet.args.sae.relu|facet.args.sae.route|facet.args.sae.topk
---@return facet.Sae
function run:sae(keys) end

---Every [[activations]] of the manifest over the same host and data: a list, and by name.
---@param keys? facet.args.streams
---@return facet.Activations[]
function run:streams(keys) end

---Every [[sae]] of the manifest, each on the rows that its key `on` names.
---@param keys? facet.args.saes
---@return facet.Sae[]
function run:saes(keys) end

---Trains an SAE, or several together on shared passes of the host; returns the metrics of the last step and what its evaluations came to, of several by their names.
---@param keys? facet.args.train
---@return table<string, any>
function run:train(keys) end

---Trains every [[baseline]]: something plain that is measured beside the SAE.
---@param keys? facet.args.baselines
---@return facet.Sae[]
function run:baselines(keys) end

---What an SAE says of every row, kept on disk.
---@param keys? facet.args.encode
---@return facet.Codes
function run:encode(keys) end

---One analysis; returns its figures.
---@param keys? facet.args.analysis|facet.args.analysis.latents|facet.args.analysis.metrics
---@return table<string, number>
function run:analyze(keys) end

---Every [[analysis]] of the manifest; returns the figures of each.
---@param keys? facet.args.analyze_all
---@return table<string, table<string, number>>
function run:analyze_all(keys) end

---@class facet
---@field version string
local facet = {}

---Opens the run; a script has one. Without keys: as the manifest says.
---@param keys? facet.args.run
---@return facet.Run
function facet.run(keys) end

return facet
