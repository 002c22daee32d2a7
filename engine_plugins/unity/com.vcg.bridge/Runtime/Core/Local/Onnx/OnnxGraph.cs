using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>A constant of a graph: float32 numbers, or integers. Half-precision weights are widened, which is exact.</summary>
    internal sealed class OnnxTensor
    {
        public string Name = "";
        public int[] Dims;

        /// <summary>One of the two is null.</summary>
        public float[] Floats;

        public long[] Ints;

        public OnnxTensor Shaped(int[] dims)
        {
            return new OnnxTensor { Name = Name, Dims = dims, Floats = Floats, Ints = Ints };
        }
    }

    /// <summary>An attribute of a node: whichever value it has.</summary>
    internal sealed class OnnxAttribute
    {
        public long Int;
        public float Float;
        public string Text = "";
        public readonly List<long> Ints = new List<long>();
        public readonly List<float> Floats = new List<float>();
        public OnnxTensor Tensor;
    }

    /// <summary>One operation.</summary>
    internal sealed class OnnxNode
    {
        public string Operator = "";
        public string Domain = "";

        /// <summary>Names of values; "" for an input that is left out.</summary>
        public readonly List<string> Inputs = new List<string>();

        public readonly List<string> Outputs = new List<string>();

        public readonly Dictionary<string, OnnxAttribute> Attributes =
            new Dictionary<string, OnnxAttribute>(StringComparer.Ordinal);

        public long Int(string name, long otherwise)
        {
            OnnxAttribute attribute;
            return Attributes.TryGetValue(name, out attribute) ? attribute.Int : otherwise;
        }

        public float Float(string name, float otherwise)
        {
            OnnxAttribute attribute;
            return Attributes.TryGetValue(name, out attribute) ? attribute.Float : otherwise;
        }

        public string Text(string name, string otherwise)
        {
            OnnxAttribute attribute;
            return Attributes.TryGetValue(name, out attribute) ? attribute.Text : otherwise;
        }

        public long[] Ints(string name, params long[] otherwise)
        {
            OnnxAttribute attribute;
            return Attributes.TryGetValue(name, out attribute) ? attribute.Ints.ToArray() : otherwise;
        }
    }

    /// <summary>What an ONNX file of our kind holds: nodes in order, and constants.</summary>
    internal sealed class OnnxGraph
    {
        /// <summary>Numbers of one constant, and of all of them.</summary>
        public const long MaxNumbers = 64 << 20;

        const int MaxNodes = 10000;

        public readonly List<OnnxNode> Nodes = new List<OnnxNode>();

        public readonly Dictionary<string, OnnxTensor> Constants =
            new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);

        OnnxGraph()
        {
        }

        /// <summary>The graph of a file. Throws <see cref="OnnxException"/> for what is no ONNX, or not of our kind: data in
        /// other files, functions, operators beyond ONNX's own.</summary>
        public static OnnxGraph Read(byte[] data)
        {
            var graph = new OnnxGraph();
            bool found = false;
            var model = new ProtoReader(data);
            while (model.Next())
            {
                switch (model.Field)
                {
                    case 7:
                        found = true;
                        graph.ReadGraph(model.Message());
                        break;
                    case 8:
                        CheckDomain(model.Message());
                        break;
                    case 25:
                        throw new OnnxException("uses operators beyond ONNX's own (functions)");
                    default:
                        model.Skip();
                        break;
                }
            }
            if (!found)
                throw new OnnxException("is not an ONNX file, or is damaged");
            return graph;
        }

        static void CheckDomain(ProtoReader reader)
        {
            string domain = "";
            while (reader.Next())
            {
                if (reader.Field == 1)
                    domain = reader.Text();
                else
                    reader.Skip();
            }
            if (!IsOwn(domain))
                throw new OnnxException("uses operators beyond ONNX's own: " + domain);
        }

        /// <summary>Whether a domain is that of ONNX's own operators.</summary>
        public static bool IsOwn(string domain)
        {
            return domain.Length == 0 || domain == "ai.onnx";
        }

        void ReadGraph(ProtoReader reader)
        {
            long numbers = 0;
            while (reader.Next())
            {
                switch (reader.Field)
                {
                    case 1:
                        if (Nodes.Count >= MaxNodes)
                            throw new OnnxException("has more than " + MaxNodes + " nodes");
                        Nodes.Add(ReadNode(reader.Message()));
                        break;
                    case 5:
                        OnnxTensor tensor = ReadTensor(reader.Message());
                        numbers += tensor.Floats != null ? tensor.Floats.Length : tensor.Ints.Length;
                        if (numbers > MaxNumbers)
                            throw new OnnxException("has more than " + MaxNumbers + " weights");
                        Constants[tensor.Name] = tensor;
                        break;
                    case 15:
                        throw new OnnxException("has sparse weights");
                    default:
                        reader.Skip();
                        break;
                }
            }
        }

        static OnnxNode ReadNode(ProtoReader reader)
        {
            var node = new OnnxNode();
            while (reader.Next())
            {
                switch (reader.Field)
                {
                    case 1:
                        node.Inputs.Add(reader.Text());
                        break;
                    case 2:
                        node.Outputs.Add(reader.Text());
                        break;
                    case 4:
                        node.Operator = reader.Text();
                        break;
                    case 5:
                        ReadAttribute(reader.Message(), node);
                        break;
                    case 7:
                        node.Domain = reader.Text();
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }
            return node;
        }

        static void ReadAttribute(ProtoReader reader, OnnxNode node)
        {
            var attribute = new OnnxAttribute();
            string name = "";
            while (reader.Next())
            {
                switch (reader.Field)
                {
                    case 1:
                        name = reader.Text();
                        break;
                    case 2:
                        attribute.Float = reader.Float();
                        break;
                    case 3:
                        attribute.Int = reader.Int();
                        break;
                    case 4:
                        attribute.Text = reader.Text();
                        break;
                    case 5:
                        attribute.Tensor = ReadTensor(reader.Message());
                        break;
                    case 6:
                    case 11:
                        throw new OnnxException("the operator '" + node.Operator + "' holds a graph of its own");
                    case 7:
                        reader.Floats(attribute.Floats);
                        break;
                    case 8:
                        reader.Ints(attribute.Ints);
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }
            node.Attributes[name] = attribute;
        }

        static OnnxTensor ReadTensor(ProtoReader reader)
        {
            var tensor = new OnnxTensor();
            var dims = new List<long>();
            var floats = new List<float>();
            var ints = new List<long>();
            ArraySegment<byte>? raw = null;
            long type = 0;
            while (reader.Next())
            {
                switch (reader.Field)
                {
                    case 1:
                        reader.Ints(dims);
                        break;
                    case 2:
                        type = reader.Int();
                        break;
                    case 4:
                        reader.Floats(floats);
                        break;
                    case 5:
                    case 7:
                        reader.Ints(ints);
                        break;
                    case 8:
                        tensor.Name = reader.Text();
                        break;
                    case 9:
                        raw = reader.Slice();
                        break;
                    case 13:
                        throw new OnnxException("a tensor lies in another file");
                    case 14:
                        if (reader.Int() != 0)
                            throw new OnnxException("a tensor lies in another file");
                        break;
                    default:
                        reader.Skip();
                        break;
                }
            }
            tensor.Dims = Shapes.Checked(dims, "the tensor '" + tensor.Name + "'");
            TensorData.Fill(tensor, (int)type, raw, floats, ints);
            return tensor;
        }
    }
}
