// ONNX files that lie: each is refused with one sentence. Models are put together here, from the
// messages of the format.
#include "unit/io_support.h"

#ifndef TARN_HAVE_PROTOBUF_C
TEST(onnx_is_refused_without_protobuf_c) { SKIP("this build has no protobuf-c"); }
#else

#include <tarn/tarn.h>
#include <unistd.h>

#include "format/onnx/onnx.h"

static tarn_status parse(const char *folder, const uint8_t *data, size_t size) {
    tarn_onnx *m;
    tarn_node *outputs[4];
    tarn_store *s = NULL;
    TI_TRY(ti_onnx_parse("t.onnx", folder, data, size, &m));
    CHECK(m->n_outputs <= 4);
    tarn_status st = tarn_store_create(1, &s);
    tarn_graph *g = st ? NULL : tarn_graph_create(s);
    if (!st) st = g ? tarn_onnx_build(m, g, NULL, outputs) : TARN_ENOMEM;
    tarn_graph_free(g);
    tarn_store_free(s);
    tarn_onnx_close(m);
    return st;
}

static tarn_status read_bytes(const uint8_t *data, size_t size) { return parse(NULL, data, size); }

TEST(onnx_refuses_every_truncation) { check_truncations("../onnx/cnn.onnx", read_bytes); }

static tarn_status read_tensor(const uint8_t *data, size_t size) {
    tarn_tensor *t;
    TI_TRY(ti_onnx_tensor_parse("t.pb", data, size, &t));
    tarn_tensor_release(t);
    return TARN_OK;
}

TEST(onnx_refuses_every_truncation_of_a_tensor) {
    check_truncations("../onnx/f64.list.pb", read_tensor);
}

// ---- a model of one tensor and two nodes, to be spoilt ------------------------------------------

typedef struct model {
    TiOnnx__TensorProto weight, *weights[2];
    TiOnnx__TypeProto__Tensor tensor_type;
    TiOnnx__TensorShapeProto shape;
    TiOnnx__TensorShapeProto__Dimension dim, *dims[9];
    TiOnnx__TypeProto type;
    TiOnnx__ValueInfoProto input, output, *inputs[2], *outputs[1];
    TiOnnx__AttributeProto attribute, *attributes[1];
    TiOnnx__NodeProto node[2], *nodes[2];
    TiOnnx__GraphProto graph;
    TiOnnx__OperatorSetIdProto opset, *opsets[1];
    TiOnnx__ModelProto model;
    int64_t weight_dims[9];
    float weight_data[3];
    char *in[2][3], *out[2][2];
} model;

static void set_node(model *m, int i, char *op, char *a, char *b, char *y) {
    TiOnnx__NodeProto *n = &m->node[i];
    ti_onnx__node_proto__init(n);
    m->in[i][0] = a;
    m->in[i][1] = b;
    m->out[i][0] = y;
    n->op_type = op;
    n->n_input = b ? 2 : 1;
    n->input = m->in[i];
    n->n_output = 1;
    n->output = m->out[i];
    m->nodes[i] = n;
}

// y = relu(x + w): x [3], w [3] of 1, 2, 3.
static void make(model *m) {
    *m = (model){.weight_dims = {3}, .weight_data = {1, 2, 3}};
    ti_onnx__tensor_proto__init(&m->weight);
    m->weight.name = "w";
    m->weight.has_data_type = true;
    m->weight.data_type = 1;
    m->weight.n_dims = 1;
    m->weight.dims = m->weight_dims;
    m->weight.has_raw_data = true;
    m->weight.raw_data = (ProtobufCBinaryData){sizeof m->weight_data, (uint8_t *)m->weight_data};
    m->weights[0] = m->weights[1] = &m->weight;
    ti_onnx__tensor_shape_proto__dimension__init(&m->dim);
    m->dim.has_dim_value = true;
    m->dim.dim_value = 3;
    for (int i = 0; i < 9; i++) m->dims[i] = &m->dim;
    ti_onnx__tensor_shape_proto__init(&m->shape);
    m->shape.n_dim = 1;
    m->shape.dim = m->dims;
    ti_onnx__type_proto__tensor__init(&m->tensor_type);
    m->tensor_type.has_elem_type = true;
    m->tensor_type.elem_type = 1;
    m->tensor_type.shape = &m->shape;
    ti_onnx__type_proto__init(&m->type);
    m->type.tensor_type = &m->tensor_type;
    ti_onnx__value_info_proto__init(&m->input);
    m->input.name = "x";
    m->input.type = &m->type;
    ti_onnx__value_info_proto__init(&m->output);
    m->output.name = "y";
    m->inputs[0] = m->inputs[1] = &m->input;
    m->outputs[0] = &m->output;
    ti_onnx__attribute_proto__init(&m->attribute);
    m->attributes[0] = &m->attribute;
    set_node(m, 0, "Add", "x", "w", "s");
    set_node(m, 1, "Relu", "s", NULL, "y");
    ti_onnx__graph_proto__init(&m->graph);
    m->graph.n_node = 2;
    m->graph.node = m->nodes;
    m->graph.n_initializer = 1;
    m->graph.initializer = m->weights;
    m->graph.n_input = 1;
    m->graph.input = m->inputs;
    m->graph.n_output = 1;
    m->graph.output = m->outputs;
    ti_onnx__operator_set_id_proto__init(&m->opset);
    m->opset.has_version = true;
    m->opset.version = 21;
    m->opsets[0] = &m->opset;
    ti_onnx__model_proto__init(&m->model);
    m->model.has_ir_version = true;
    m->model.ir_version = 10;
    m->model.graph = &m->graph;
    m->model.n_opset_import = 1;
    m->model.opset_import = m->opsets;
}

static tarn_status read_model_in(const char *folder, const model *m) {
    uint8_t *data;
    size_t size = ti_onnx__model_proto__get_packed_size(&m->model);
    CHECK_OK(ti_alloc(size, &data));
    ti_onnx__model_proto__pack(&m->model, data);
    tarn_status st = parse(folder, data, size);
    ti_free(data);
    return st;
}

static tarn_status read_model(const model *m) { return read_model_in(NULL, m); }

TEST(onnx_accepts_the_model_that_the_others_spoil) {
    model m;
    make(&m);
    CHECK_OK(read_model(&m));
}

// ---- versions and names -------------------------------------------------------------------------

TEST(onnx_refuses_versions_that_it_does_not_know) {
    model m;
    make(&m);
    m.opset.version = 29;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "opset 29, this build reads 1 to 28");
    m.opset.version = 0;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "opset 0");
    make(&m);
    m.model.n_opset_import = 0;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "opset 0");
    make(&m);
    m.model.ir_version = 15;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "IR version 15, this build reads 1 to 14");
    m.model.ir_version = -1;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "IR version -1");
    make(&m);
    m.model.graph = NULL;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "no graph");
    CHECK_ERR(read_bytes((const uint8_t *)"hello", 5), TARN_EFORMAT, "t.onnx: it is no ONNX model");
}

TEST(onnx_names_operations_that_it_lacks) {
    model m;
    make(&m);
    set_node(&m, 1, "Frob", "s", NULL, "y");
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED,
              "t.onnx: node 'y' (Frob): operation Frob is not supported");
    m.node[1].domain = "com.example";
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "Frob of com.example");
    make(&m);
    m.node[1].domain = "com.example";  // Relu is another operation there
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "Relu of com.example");
    make(&m);
    m.opset.version = 8;
    set_node(&m, 1, "NonZero", "s", NULL, "y");
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "operation NonZero of opset 8 is not");
}

TEST(onnx_refuses_nodes_in_a_wrong_order) {
    model m;
    make(&m);
    set_node(&m, 0, "Add", "x", "y", "s");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'y' is used before it is made");
    set_node(&m, 0, "Add", "x", "s", "s");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'s' is used before it is made");
    set_node(&m, 0, "Add", "x", "z", "s");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'z' is used, but nothing makes it");
    make(&m);
    m.output.name = "z";
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'z' is used, but nothing makes it");
}

TEST(onnx_refuses_values_that_are_made_twice_or_have_no_name) {
    model m;
    make(&m);
    set_node(&m, 1, "Relu", "s", NULL, "s");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'s' is made twice");
    make(&m);
    set_node(&m, 1, "Relu", "s", NULL, "x");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'x' is made twice");
    make(&m);
    m.graph.n_initializer = 2;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'w' is made twice");
    make(&m);
    m.graph.n_input = 2;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'x' is made twice");
    make(&m);
    m.weight.name = NULL;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "a value has no name");
    make(&m);
    m.input.name = NULL;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "has no name");
    m.input.name = "a\033[2J";
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "'a?[2J' names an input or output, but is no text");
    m.input.name = "a\xc3";
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "is no text");
}

TEST(onnx_refuses_wrong_numbers_of_inputs) {
    model m;
    make(&m);
    set_node(&m, 1, "Add", "s", NULL, "y");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "1 inputs, at least 2 expected");
    set_node(&m, 1, "Relu", "s", "x", "y");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "2 inputs, at most 1 expected");
    set_node(&m, 1, "Add", "s", "", "y");
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "input 1 is missing");
    make(&m);
    m.node[1].n_output = 2;
    m.out[1][1] = "mask";
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "its output 1 is not supported");
}

// ---- attributes ---------------------------------------------------------------------------------

TEST(onnx_refuses_attributes_that_nothing_reads) {
    model m;
    make(&m);
    m.node[1].n_attribute = 1;
    m.node[1].attribute = m.attributes;
    m.attribute.name = "slope";
    m.attribute.has_f = true;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "attribute slope (a float) is not supported");
    set_node(&m, 1, "Softmax", "s", NULL, "y");
    m.node[1].n_attribute = 1;
    m.node[1].attribute = m.attributes;
    m.attribute.name = "axis";
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "attribute axis is a float, an int expected");
    m.attribute.has_f = false;
    m.attribute.has_i = true;
    m.attribute.i = 1;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "axis is 1, -1 to 0 expected");
    m.attribute.i = 0;
    CHECK_OK(read_model(&m));
    m.attribute.ref_attr_name = "outer";
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "attribute axis");
}

// ---- tensors ------------------------------------------------------------------------------------

TEST(onnx_refuses_sizes_that_lie) {
    model m;
    make(&m);
    m.weight.raw_data.len = 11;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "tensor 'w': f32 [3] does not have the 11 bytes");
    make(&m);
    m.weight_dims[0] = 4;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "f32 [4] does not have the 12 bytes");
    m.weight.n_dims = 2;
    m.weight_dims[0] = m.weight_dims[1] = (int64_t)1 << 32;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "[4294967296,4294967296]");
    m.weight_dims[1] = -3;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "dimension 1 is -3");
    m.weight.n_dims = 9;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "rank 9, at most 8");
    make(&m);
    m.weight.has_raw_data = false;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "f32 [3] does not have the 0 elements");
    m.weight.n_float_data = 2;
    m.weight.float_data = m.weight_data;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "the 2 elements");
    m.weight.n_float_data = 3;
    CHECK_OK(read_model(&m));
}

// Found by fuzzing: its elements would be none, but another type's list has some.
TEST(onnx_does_not_look_into_the_lists_of_other_types) {
    int32_t list[] = {1, 2};
    model m;
    make(&m);
    m.weight.has_raw_data = false;
    m.weight.n_int32_data = 2;
    m.weight.int32_data = list;
    m.dim.dim_value = m.weight_dims[0] = 0;
    CHECK_OK(read_model(&m));
    m.weight_dims[0] = 2;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "f32 [2] does not have the 0 elements");
}

TEST(onnx_refuses_element_types_that_are_none) {
    model m;
    make(&m);
    m.weight.data_type = 0;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "element type 0");
    m.weight.data_type = 99;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "element type 99");
    m.weight.data_type = 17;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "float8e4m3fn is not supported");
}

TEST(onnx_refuses_elements_out_of_range) {
    int32_t list[] = {0, 1, 128};
    model m;
    make(&m);
    m.weight.has_raw_data = false;
    m.weight.n_int32_data = 3;
    m.weight.int32_data = list;
    m.weight.data_type = 3;  // i8
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "element 2 is 128, which is no i8");
    m.weight.data_type = 9;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "which is no bool");
    list[1] = -1;
    m.weight.data_type = 10;  // f16, by its bits
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "element 1 is -1, which is no f16");
    make(&m);
    m.weight.data_type = 9;
    m.weight_dims[0] = 12;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "a bool of 128");
}

TEST(onnx_refuses_inputs_that_are_no_tensors) {
    model m;
    make(&m);
    m.type.tensor_type = NULL;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "input 'x': it is no tensor");
    make(&m);
    m.tensor_type.shape = NULL;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "it has no shape");
    make(&m);
    m.shape.n_dim = 9;
    CHECK_ERR(read_model(&m), TARN_EUNSUPPORTED, "rank 9");
    make(&m);
    m.dim.dim_value = -7;
    CHECK_ERR(read_model(&m), TARN_EFORMAT, "dimension 0 is -7");
}

// ---- files of weights ---------------------------------------------------------------------------

static tarn_status read_external(const char *folder, char *location, char *offset, char *length) {
    TiOnnx__StringStringEntryProto entry[3], *entries[] = {&entry[0], &entry[1], &entry[2]};
    char *keys[] = {"location", "offset", "length"}, *values[] = {location, offset, length};
    model m;
    make(&m);
    for (int i = 0; i < 3; i++) {
        ti_onnx__string_string_entry_proto__init(&entry[i]);
        entry[i].key = keys[i];
        entry[i].value = values[i];
    }
    m.weight.has_raw_data = false;
    m.weight.has_data_location = true;
    m.weight.data_location = 1;
    m.weight.external_data = entries;
    m.weight.n_external_data = 3;
    return read_model_in(folder, &m);
}

TEST(onnx_refuses_weights_outside_of_its_folder) {
    char folder[PATH_CAP], path[PATH_CAP], link[PATH_CAP];
    path_of(test_dir(), "model", folder);
    CHECK_OK(ti_make_dirs(folder));
    CHECK_OK(ti_file_write(path_of(folder, "w.bin", path), "0123456789abcdef", 16));
    CHECK_OK(ti_file_write(path_of(test_dir(), "secret", path), "0123456789abcdef", 16));
    CHECK(!symlink(path, path_of(folder, "link", link)));
    CHECK_OK(ti_file_write(path_of(test_dir(), "model2", path), "0123456789abcdef", 16));
    CHECK_OK(read_external(folder, "w.bin", "4", "12"));
    CHECK_OK(read_external(folder, "./w.bin", "0", "12"));
    CHECK_ERR(read_external(folder, "../secret", "0", "12"), TARN_EFORMAT, "is not inside of");
    CHECK_ERR(read_external(folder, "../model2", "0", "12"), TARN_EFORMAT, "is not inside of");
    CHECK_ERR(read_external(folder, "link", "0", "12"), TARN_EFORMAT, "'link' is not inside of");
    CHECK_ERR(read_external(folder, "/etc/passwd", "0", "12"), TARN_ENOENT, "find");
    CHECK_ERR(read_external(folder, ".", "0", "12"), TARN_EFORMAT, "is not inside of");
    CHECK_ERR(read_external(folder, "none", "0", "12"), TARN_ENOENT, "none");
    CHECK_ERR(read_external(NULL, "w.bin", "0", "12"), TARN_EFORMAT, "the model is no file");
}

TEST(onnx_refuses_parts_of_files_that_are_not_there) {
    char path[PATH_CAP];
    CHECK_OK(ti_file_write(path_of(test_dir(), "w", path), "0123456789abcdef", 16));
    CHECK_ERR(read_external(test_dir(), "w", "5", "12"), TARN_EFORMAT, "ends after the 16 bytes");
    CHECK_ERR(read_external(test_dir(), "w", "17", "0"), TARN_EFORMAT, "ends after the 16 bytes");
    CHECK_ERR(read_external(test_dir(), "w", "9223372036854775807", "12"), TARN_EFORMAT, "ends");
    CHECK_ERR(read_external(test_dir(), "w", "0", "13"), TARN_EFORMAT, "the 13 bytes");
    CHECK_ERR(read_external(test_dir(), "w", "-1", "12"), TARN_EFORMAT, "offset '-1' is no size");
    CHECK_ERR(read_external(test_dir(), "w", "0", "1x"), TARN_EFORMAT, "length '1x' is no size");
    CHECK_ERR(read_external(test_dir(), NULL, "0", "12"), TARN_EFORMAT, "'");
}

// ---- memory -------------------------------------------------------------------------------------

// 2 bytes for a node that takes a hundred when it is unpacked.
TEST(onnx_limits_the_memory_of_small_files) {
    enum { NODES = 400000, BYTES = 2 * NODES };
    uint8_t *data;
    CHECK_OK(ti_alloc(BYTES + 4, &data));
    data[0] = 7 << 3 | 2;  // graph
    data[1] = 0x80 | (BYTES & 0x7f);
    data[2] = 0x80 | (BYTES >> 7 & 0x7f);
    data[3] = BYTES >> 14;
    CHECK(BYTES >> 14 < 128);
    for (int i = 0; i < BYTES; i += 2) {
        data[4 + i] = 1 << 3 | 2;  // node
        data[5 + i] = 0;
    }
    CHECK_ERR(read_bytes(data, BYTES + 4), TARN_ELIMIT, "more than 8 times the file");
    ti_free(data);
}

// y = reshape(x, nonzero(constant_of_shape(w))), where w asks for 2^40 zeros.
TEST(onnx_limits_what_it_computes_to_learn_a_shape) {
    int64_t huge[] = {(int64_t)1 << 20, 1 << 20};
    model m;
    make(&m);
    m.weight.data_type = 7;
    m.weight_dims[0] = 2;
    m.weight.raw_data = (ProtobufCBinaryData){sizeof huge, (uint8_t *)huge};
    set_node(&m, 0, "ConstantOfShape", "w", NULL, "s");
    set_node(&m, 1, "Reshape", "x", "s", "y");
    CHECK_ERR(read_model(&m), TARN_ELIMIT, "more than 16777216 elements to compute a shape");
}

TEST(onnx_survives_every_failed_allocation) {
    check_allocations("../onnx/computed.onnx", read_bytes);
}
#endif  // TARN_HAVE_PROTOBUF_C
