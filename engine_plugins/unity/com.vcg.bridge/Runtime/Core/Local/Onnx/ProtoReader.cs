using System;
using System.Text;

namespace Vcg.Bridge.Local
{
    /// <summary>What is wrong with a file that should be ONNX.</summary>
    internal sealed class OnnxException : Exception
    {
        public OnnxException(string message) : base(message)
        {
        }
    }

    /// <summary>
    /// Walks over the fields of one protobuf message within a byte array. Lengths are checked against the message before
    /// anything is read or reserved.
    /// </summary>
    internal struct ProtoReader
    {
        const int Varint = 0;
        const int Fixed64 = 1;
        const int Bytes = 2;
        const int Fixed32 = 5;

        readonly byte[] data;
        readonly int end;
        int at;
        int wire;

        public ProtoReader(byte[] data) : this(data, 0, data.Length)
        {
        }

        public ProtoReader(byte[] data, int start, int length)
        {
            this.data = data;
            at = start;
            end = start + length;
            wire = 0;
            Field = 0;
        }

        /// <summary>Number of the present field.</summary>
        public int Field { get; private set; }

        /// <summary>Goes to the next field; false at the end. The one before must have been read or skipped.</summary>
        public bool Next()
        {
            if (at >= end)
                return false;
            ulong key = Number();
            Field = (int)(key >> 3);
            wire = (int)(key & 7);
            if (key > uint.MaxValue || Field < 1)
                throw Broken();
            return true;
        }

        static OnnxException Broken()
        {
            return new OnnxException("is not an ONNX file, or is damaged");
        }

        void Need(int kind)
        {
            if (wire != kind)
                throw Broken();
        }

        ulong Number()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                if (at >= end)
                    throw Broken();
                byte part = data[at++];
                value |= (ulong)(part & 0x7F) << shift;
                if (part < 0x80)
                    return value;
            }
            throw Broken();
        }

        public long Int()
        {
            Need(Varint);
            return (long)Number();
        }

        public float Float()
        {
            Need(Fixed32);
            if (end - at < 4)
                throw Broken();
            float value = BitConverter.ToSingle(data, at);
            at += 4;
            return value;
        }

        /// <summary>Where the bytes of this field are.</summary>
        public ArraySegment<byte> Slice()
        {
            Need(Bytes);
            ulong length = Number();
            if (length > (ulong)(end - at))
                throw Broken();
            var slice = new ArraySegment<byte>(data, at, (int)length);
            at += (int)length;
            return slice;
        }

        public ProtoReader Message()
        {
            ArraySegment<byte> slice = Slice();
            return new ProtoReader(slice.Array, slice.Offset, slice.Count);
        }

        public string Text()
        {
            ArraySegment<byte> slice = Slice();
            try
            {
                return new UTF8Encoding(false, true).GetString(slice.Array, slice.Offset, slice.Count);
            }
            catch (ArgumentException)
            {
                throw Broken();
            }
        }

        /// <summary>Integers of a repeated field, packed or one by one, appended.</summary>
        public void Ints(System.Collections.Generic.List<long> values)
        {
            if (wire == Varint)
            {
                values.Add((long)Number());
                return;
            }
            ProtoReader packed = Message();
            while (packed.at < packed.end)
                values.Add((long)packed.Number());
        }

        /// <summary>The same for float32.</summary>
        public void Floats(System.Collections.Generic.List<float> values)
        {
            if (wire == Fixed32)
            {
                values.Add(Float());
                return;
            }
            ArraySegment<byte> slice = Slice();
            if (slice.Count % 4 != 0)
                throw Broken();
            for (int i = 0; i < slice.Count; i += 4)
                values.Add(BitConverter.ToSingle(slice.Array, slice.Offset + i));
        }

        public void Skip()
        {
            switch (wire)
            {
                case Varint:
                    Number();
                    break;
                case Fixed64:
                    Leap(8);
                    break;
                case Bytes:
                    Slice();
                    break;
                case Fixed32:
                    Leap(4);
                    break;
                default:
                    throw Broken();
            }
        }

        void Leap(int length)
        {
            if (end - at < length)
                throw Broken();
            at += length;
        }
    }
}
