/* A row a layer: its settings, its inputs, its parameters as PyTorch's state dict has them, and two sums over its
   output that PyTorch 2.15 gives in evaluation, in f64: sum(y) and sum(y[i] (i % 13 + 1) / 13). Inputs and parameters
   are those of test_nn.c, functions of place and name alone. */
#ifndef CT_TESTS_NN_CASES_H
#define CT_TESTS_NN_CASES_H

typedef struct nn_case {
    const char *layer, *args, *inputs, *parameters;
    double sum, weighted;
} nn_case;

static const nn_case nn_cases[] = {
    {"linear", "out_features=3", "2x4", "weight(3,4) bias(3)", -0.06, -0.05923077},
    {"linear", "out_features=3 weight_norm=true", "2x4", "weight_v(3,4) weight_g(3,1) bias(3)", -0.08663533,
     -0.09512611},
    {"linear", "out_features=3 bias=false spectral_norm=true", "2x4", "weight_orig(3,4) weight_u(3) weight_v(4)", 30,
     11.29121},
    {"bilinear", "out_features=3", "2x5 2x4", "weight(3,5,4) bias(3)", -0.028, -0.02734615},
    {"conv1d", "out_channels=4 kernel_size=3 stride=2 padding=1 groups=2", "2x4x9", "weight(4,2,3) bias(4)", 3.89,
     1.927308},
    {"conv2d", "out_channels=3 kernel_size=[3,2] padding=[1,0] dilation=2 bias=false", "2x2x9x8", "weight(3,2,3,2)",
     14.54, 7.892692},
    {"conv2d", "out_channels=3 kernel_size=3 padding=[1,2] padding_mode=reflect weight_norm=true", "2x2x5x6",
     "weight_v(3,2,3,3) weight_g(3,1,1,1) bias(3)", 2.222243, 0.9073546},
    {"conv3d", "out_channels=2 kernel_size=[3,2,1] padding=[1,0,0]", "1x2x4x5x3", "weight(2,2,3,2,1) bias(2)", 14.08,
     6.325},
    {"conv_transpose1d", "out_channels=4 kernel_size=3 stride=2 padding=1 output_padding=1 groups=2", "2x4x5",
     "weight(4,2,3) bias(4)", 7.81, 4.497692},
    {"conv_transpose2d", "out_channels=3 kernel_size=3 stride=2 spectral_norm=true", "1x2x3x4",
     "weight_orig(2,3,3,3) weight_u(3) weight_v(18) bias(3)", 17.9021, 5.920495},
    {"conv_transpose3d", "out_channels=3 kernel_size=2 stride=2", "1x2x2x3x2", "weight(2,3,2,2,2) bias(3)", 2.11,
     1.233846},
    {"batch_norm", "", "3x4x2x3", "weight(4) bias(4) running_mean(4) running_var(4) num_batches_tracked()", 4.14268,
     2.000126},
    {"batch_norm", "eps=0.1 affine=false", "3x4", "running_mean(4) running_var(4) num_batches_tracked()", -1.947137,
     -1.053812},
    {"batch_norm", "track_running_stats=false", "3x4x5", "weight(4) bias(4)", 4.5, 2.19236},
    {"layer_norm", "", "3x4x6", "weight(6) bias(6)", 2.932624, 2.717055},
    {"layer_norm", "eps=0.1 bias=false normalized_shape=[4,6]", "3x4x6", "weight(4,6)", -0.8510053, -1.015856},
    {"rms_norm", "", "3x4x6", "weight(6)", 0.6954571, 1.618399},
    {"group_norm", "num_groups=2", "3x6x4", "weight(6) bias(6)", 2.944336, 2.446555},
    {"instance_norm", "", "2x3x4x4", "", 2.220446e-15, -1.303674},
    {"instance_norm", "affine=true track_running_stats=true", "2x3x5",
     "weight(3) bias(3) running_mean(3) running_var(3) num_batches_tracked()", -1.762881, -0.9883338},
    {"local_response_norm", "size=3 alpha=0.5", "2x5x4", "", 2.119375, 0.8954391},
    {"dropout", "p=0.7", "2x3", "", 0.1, 0.08076923},
    {"dropout2d", "p=0.7", "2x3x2x2", "", 0.9, 0.2576923},
    {"embedding", "num_embeddings=7 embedding_dim=4", "i7:2x5", "weight(7,4)", 6, 3.069231},
    {"embedding_bag", "num_embeddings=7 embedding_dim=4 mode=mean padding_idx=0", "i7:3x5", "weight(7,4)", 1.8,
     0.9923077},
    {"embedding_bag", "num_embeddings=7 embedding_dim=4 mode=sum padding_idx=0", "i7:3x5", "weight(7,4)", 9, 4.961538},
    {"embedding_bag", "num_embeddings=7 embedding_dim=4 mode=max padding_idx=0", "i7:3x5", "weight(7,4)", 1.8,
     0.9923077},
    {"embedding_bag", "num_embeddings=3 embedding_dim=4", "i3:3x2", "weight(3,4)", 1.4, 0.6153846},
    {"embedding_bag", "num_embeddings=3 embedding_dim=4 mode=max padding_idx=0", "i3:3x1", "weight(3,4)", 1, 0.6},
    {"embedding_bag", "num_embeddings=7 embedding_dim=4 mode=sum padding_idx=2", "i5:7 i1:2 7", "weight(7,4)", -0.055,
     0.01115385},
    {"positions", "max_length=8", "2x5x6", "weight(8,6)", 9.9, 5.461538},
    {"positions", "kind=sinusoidal", "2x5x6", "", 25.23465, 13.15881},
    {"positions", "kind=rotary", "2x3x5x6", "", 1.737618, 0.5347061},
    {"parameter", "shape=[2,3]", "2x5", "weight(2,3)", 1.6, 0.6923077},
    {"rnn", "hidden_size=4 num_layers=2 nonlinearity=relu", "5x2x3",
     "weight_ih_l0(4,3) weight_hh_l0(4,4) bias_ih_l0(4) bias_hh_l0(4) weight_ih_l1(4,4) weight_hh_l1(4,4) "
     "bias_ih_l1(4) bias_hh_l1(4)",
     50.2703, 26.94914},
    {"rnn", "hidden_size=4 bias=false", "5x2x3 1x2x4", "weight_ih_l0(4,3) weight_hh_l0(4,4)", -0.3290092, 0.1294506},
    {"gru", "hidden_size=3 num_layers=2 bidirectional=true", "5x2x3",
     "weight_ih_l0(9,3) weight_hh_l0(9,3) bias_ih_l0(9) bias_hh_l0(9) weight_ih_l0_reverse(9,3) "
     "weight_hh_l0_reverse(9,3) bias_ih_l0_reverse(9) bias_hh_l0_reverse(9) weight_ih_l1(9,6) "
     "weight_hh_l1(9,3) bias_ih_l1(9) bias_hh_l1(9) weight_ih_l1_reverse(9,6) weight_hh_l1_reverse(9,3) "
     "bias_ih_l1_reverse(9) bias_hh_l1_reverse(9)",
     15.86479, 8.259653},
    {"gru", "hidden_size=4", "5x2x3 1x2x4", "weight_ih_l0(12,3) weight_hh_l0(12,4) bias_ih_l0(12) bias_hh_l0(12)",
     6.944784, 3.857922},
    {"lstm", "hidden_size=3 num_layers=2 bidirectional=true batch_first=true dropout=0.5", "2x5x3 4x2x3 4x2x3",
     "weight_ih_l0(12,3) weight_hh_l0(12,3) bias_ih_l0(12) bias_hh_l0(12) weight_ih_l0_reverse(12,3) "
     "weight_hh_l0_reverse(12,3) bias_ih_l0_reverse(12) bias_hh_l0_reverse(12) weight_ih_l1(12,6) "
     "weight_hh_l1(12,3) bias_ih_l1(12) bias_hh_l1(12) weight_ih_l1_reverse(12,6) "
     "weight_hh_l1_reverse(12,3) bias_ih_l1_reverse(12) bias_hh_l1_reverse(12)",
     14.43886, 7.593741},
    {"lstm", "hidden_size=4", "5x3", "weight_ih_l0(16,3) weight_hh_l0(16,4) bias_ih_l0(16) bias_hh_l0(16)", 2.595213,
     1.104614},
    {"multi_head_attention", "num_heads=2", "5x2x6",
     "in_proj_weight(18,6) in_proj_bias(18) out_proj.weight(6,6) out_proj.bias(6)", 13.11601, 6.738217},
    {"multi_head_attention", "num_heads=3 bias=false batch_first=true", "2x5x6 2x7x6 2x7x6",
     "in_proj_weight(18,6) out_proj.weight(6,6)", 1.185491, 0.5438247},
    {"multi_head_attention", "num_heads=2 is_causal=true", "5x2x6",
     "in_proj_weight(18,6) in_proj_bias(18) out_proj.weight(6,6) out_proj.bias(6)", 12.45375, 6.418401},
    {"multi_head_attention", "num_heads=2", "5x2x6 7x2x6 - b:2x7",
     "in_proj_weight(18,6) in_proj_bias(18) out_proj.weight(6,6) out_proj.bias(6)", 12.9705, 6.609776},
    {"multi_head_attention", "num_heads=2 batch_first=true", "2x5x6 2x7x6 - b:2x7 5x7",
     "in_proj_weight(18,6) in_proj_bias(18) out_proj.weight(6,6) out_proj.bias(6)", 13.24053, 6.83068},
    {"multi_head_attention", "num_heads=2 is_causal=true", "5x2x6 - - 2x5",
     "in_proj_weight(18,6) in_proj_bias(18) out_proj.weight(6,6) out_proj.bias(6)", 12.39369, 6.409728},
    {"transformer_encoder_layer", "nhead=2 dim_feedforward=5", "5x2x4",
     "self_attn.in_proj_weight(12,4) self_attn.in_proj_bias(12) self_attn.out_proj.weight(4,4) "
     "self_attn.out_proj.bias(4) linear1.weight(5,4) linear1.bias(5) linear2.weight(4,5) linear2.bias(4) "
     "norm1.weight(4) norm1.bias(4) norm2.weight(4) norm2.bias(4)",
     11.71176, 5.945609},
    {"transformer_encoder_layer",
     "nhead=2 dim_feedforward=5 norm_first=true activation=gelu bias=false batch_first=true", "2x5x4 5x5 2x5",
     "self_attn.in_proj_weight(12,4) self_attn.out_proj.weight(4,4) linear1.weight(5,4) linear2.weight(4,5) "
     "norm1.weight(4) norm2.weight(4)",
     2.327739, 1.039552},
    {"transformer_decoder_layer", "nhead=2 dim_feedforward=5 layer_norm_eps=0.1", "5x2x4 3x2x4",
     "self_attn.in_proj_weight(12,4) self_attn.in_proj_bias(12) self_attn.out_proj.weight(4,4) "
     "self_attn.out_proj.bias(4) multihead_attn.in_proj_weight(12,4) multihead_attn.in_proj_bias(12) "
     "multihead_attn.out_proj.weight(4,4) multihead_attn.out_proj.bias(4) linear1.weight(5,4) "
     "linear1.bias(5) linear2.weight(4,5) linear2.bias(4) norm1.weight(4) norm1.bias(4) norm2.weight(4) "
     "norm2.bias(4) norm3.weight(4) norm3.bias(4)",
     10.21839, 5.156511},
    {"transformer_decoder_layer", "nhead=2 dim_feedforward=5 norm_first=true is_causal=true",
     "5x2x4 3x2x4 - 5x3 2x5 2x3",
     "self_attn.in_proj_weight(12,4) self_attn.in_proj_bias(12) self_attn.out_proj.weight(4,4) "
     "self_attn.out_proj.bias(4) multihead_attn.in_proj_weight(12,4) multihead_attn.in_proj_bias(12) "
     "multihead_attn.out_proj.weight(4,4) multihead_attn.out_proj.bias(4) linear1.weight(5,4) "
     "linear1.bias(5) linear2.weight(4,5) linear2.bias(4) norm1.weight(4) norm1.bias(4) norm2.weight(4) "
     "norm2.bias(4) norm3.weight(4) norm3.bias(4)",
     16.22923, 8.245517},
    {"prelu", "num_parameters=3", "2x3x4", "weight(3)", 3.38, 1.691538},
    {"unflatten", "dim=-1 unflattened_size=[-1,2]", "2x3x4", "", 0.9, 0.2576923},
    {"identity", "", "2x3", "", 0.1, 0.08076923},
    {"upsample", "scale_factor=2", "1x2x3x4", "", 3.6, 2.407692},
    {"upsample", "scale_factor=[2,3]", "1x2x3x4", "", 5.4, 3.338461538461538},
    {"constant_pad1d", "padding=[1,2] value=1.5", "2x3x4", "", 27.9, 12.30385},
    {"zero_pad2d", "padding=[1,2,3,0]", "2x3x4x5", "", 6.1, 3.330769},
    {"reflection_pad2d", "padding=[1,2,3,0]", "2x3x4x5", "", 17.4, 9.05},
    {"replication_pad3d", "padding=[1,2,3,0,1,1]", "1x2x3x4x5", "", 18.9, 11.83077},
    {"circular_pad1d", "padding=2", "2x3x4", "", 1.8, 0.8692308},
};
#endif
