"""Where each pattern of a graph, and each trap, is tested.

The patterns are those over which tools for smaller networks are known to
stumble, the traps those of gates that are not just 0 or 1, on units that are
not 0 when they are dead. Names of files are those in this folder, unless they
begin with `../`. A file without a test stands for all of its tests.
"""

import ast
import pathlib

from absl.testing import absltest

from tests import test_util

HERE = pathlib.Path(__file__).absolute().parent

PATTERNS = {
    "chains": "chains_test.py ../lenet_test.py::test_lenet5",
    "spatial operations": "spatial_test.py ../rules/spatial_test.py",
    "flatten and reshape": (
        "reshaping_test.py ../modes_test.py::test_channels_first"
    ),
    "residual": "residual_test.py",
    "concatenation": "concatenation_test.py ../paths_test.py",
    "DenseNet": "concatenation_test.py::test_dense_block",
    "Inception": "concatenation_test.py::test_inception_block",
    "U-Net": "concatenation_test.py::test_u_net",
    "HRNet": "concatenation_test.py::test_exchange_between_resolutions",
    "NASNet": "concatenation_test.py::test_cell_of_a_searched_network",
    "split": "splitting_test.py ../rules/slicing_test.py",
    "ShuffleNet": (
        "splitting_test.py::test_shuffle_net_unit"
        " splitting_test.py::test_shuffle_net_unit_of_two_halves"
    ),
    "grouped": "grouped_test.py",
    "MobileNet": (
        "grouped_test.py::test_mobile_net_v1_block"
        " grouped_test.py::test_mobile_net_v2_block"
        " grouped_test.py::test_mobile_net_v3_block"
    ),
    "transposed": "transposed_test.py",
    "norms": "norms_test.py",
    "sharing": "sharing_test.py ../sharing_test.py",
    "inputs and outputs": "inputs_outputs_test.py",
    "nesting": (
        "nesting_test.py ../paths_test.py::test_gates_around_a_nested_model"
        " ../../gating/sites_test.py::test_nested_names"
    ),
    "disconnected": (
        "inputs_outputs_test.py::test_part_that_no_output_needs"
        " inputs_outputs_test.py::test_layer_whose_output_nobody_reads"
        " inputs_outputs_test.py::test_weights_that_scale_channels"
        " inputs_outputs_test.py::test_class_token_and_position_embedding"
    ),
    "recurrent": "recurrent_test.py",
    "attention": "attention_test.py",
    "ViT": "attention_test.py::test_vision_transformer",
    "Swin": "attention_test.py::test_block_of_shifted_windows",
    "BERT": "attention_test.py::test_network_for_text",
    "deletion": "deletion_test.py",
    "process": (
        "process_test.py ../reserve_test.py ../refusals_test.py"
        " ../rebuild_test.py ../strip_test.py::test_source_is_not_touched"
        " ../strip_test.py::test_after_saving_and_loading"
    ),
    "gates and loss": (
        "../../layers/l0_gate_test.py ../../gates/hard_concrete_test.py"
        " process_test.py::test_statistics_that_were_collected_under_gates"
    ),
}

TRAPS = {
    "1 f(0) is not 0": (
        "../traps_test.py::test_activations_that_are_not_zero_at_zero"
        " ../traps_test.py::test_batch_normalization_behind_a_gate"
        " ../traps_test.py::test_bias_behind_a_gate"
    ),
    "2 constants under padding": (
        "../traps_test.py::test_same_padding_keeps_one_channel_of_ones"
        " ../traps_test.py::test_zeros_under_padding_go"
        " grouped_test.py"
        "::test_constants_under_the_padding_of_a_depthwise_convolution"
        " transposed_test.py::test_constants_count_by_position"
    ),
    "3 coupled channels": (
        "../traps_test.py::test_constants_are_put_in_or_folded"
        " ../traps_test.py::test_layers_without_a_rule"
        " ../rules/coupled_test.py"
    ),
    "4 soft gates": "soft_gates_test.py ../folding_test.py",
    "5 attention": (
        "../rules/attention_test.py::test_closed_heads_are_gone"
        " ../rules/attention_test.py::test_widths"
        " ../rules/attention_test.py::test_groups_stay_equal"
        " ../rules/attention_test.py::test_all_heads_closed_leave_the_bias"
        " ../rules/attention_test.py::test_barriers"
        " attention_test.py::test_attention_over_other_axes_is_whole"
    ),
    "6 gate on a model output": (
        "../paths_test.py::test_gate_on_a_model_output"
    ),
    "7 diamonds and two maps of indices": (
        "../paths_test.py::test_diamond"
        " ../paths_test.py::test_flatten_and_global_pooling_of_one_tensor"
    ),
    "8 multipliers and uneven groups": (
        "grouped_test.py::test_depth_multiplier"
        " grouped_test.py::test_groups_of_which_different_numbers_survive"
        " ../rules/separable_test.py"
    ),
    "9 states of recurrent layers": (
        "recurrent_test.py::test_gate_behind_the_layer_leaves_the_state"
        " recurrent_test.py::test_states_of_an_encoder_in_a_decoder"
        " recurrent_test.py::test_bidirectional"
        " ../rules/recurrent_test.py::test_barriers"
    ),
    "10 noise and statistics": (
        "../modes_test.py::test_dropout_and_statistics_still_train"
        " process_test.py::test_statistics_that_were_collected_under_gates"
        " process_test.py::test_noise_is_reproducible"
    ),
    "11 strip again, without gates, all open, all closed": (
        "../strip_test.py::test_idempotent"
        " ../strip_test.py::test_without_gates_the_model_is_copied"
        " ../strip_test.py::test_all_open_is_the_same_network"
        " ../reserve_test.py::test_layer_that_is_all_closed_goes"
        " ../refusals_test.py::test_dead_end_names_the_gates"
    ),
    "12 policies, data formats, shapes, compilation": (
        "../strip_test.py::test_mixed_precision"
        " ../strip_test.py::test_bfloat16"
        " ../modes_test.py::test_channels_first"
        " ../modes_test.py::test_open_spatial_shape"
        " ../modes_test.py::test_fixed_batch"
        " ../modes_test.py::test_compiled"
        " litert_test.py::test_recurrent_layers"
    ),
    "13 files": (
        "../strip_test.py::test_after_saving_and_loading"
        " ../deployment_test.py ../../export/saved_model_test.py"
        " litert_test.py ../../export/litert_test.py"
    ),
    "14 training goes on": (
        "process_test.py::test_smaller_model_trains"
        " ../regating_test.py::test_training_goes_on"
    ),
    "15 rounding": (
        "../reserve_test.py::test_best_closed_unit_stays"
        " ../reserve_test.py::test_options"
        " ../reserve_test.py::test_reserved_units_learn_again"
    ),
}


def names_in(path):
    """Names of the tests that a file defines."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


class IndexTest(test_util.TestCase):
    def test_what_is_listed_exists(self):
        for rows in (PATTERNS, TRAPS):
            for row, places in rows.items():
                for place in places.split():
                    file, _, test = place.partition("::")
                    found = names_in(HERE / file)
                    self.assertNotEmpty(found, f"{row}: {place}")
                    if test:
                        self.assertIn(test, found, f"{row}: {place}")

    def test_every_file_is_listed(self):
        listed = " ".join([*PATTERNS.values(), *TRAPS.values()])
        for path in HERE.glob("*_test.py"):
            if path.name != "index_test.py":
                self.assertIn(path.name, listed)

    def test_every_trap_is_listed(self):
        numbers = [int(row.split()[0]) for row in TRAPS]
        self.assertEqual(numbers, list(range(1, 16)))


if __name__ == "__main__":
    absltest.main()
