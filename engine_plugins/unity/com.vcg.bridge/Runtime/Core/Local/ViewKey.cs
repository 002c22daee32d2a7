using System;

namespace Vcg.Bridge.Local
{
    /// <summary>A style code with its hash, for use in keys.</summary>
    internal sealed class StyleCode : IEquatable<StyleCode>
    {
        readonly int hash;

        public StyleCode(float[] values)
        {
            Values = values;
            foreach (float value in values)
                hash = unchecked(hash * 31 + value.GetHashCode());
        }

        public float[] Values { get; }

        public bool Equals(StyleCode other)
        {
            if (other == null || other.hash != hash || other.Values.Length != Values.Length)
                return false;
            for (int i = 0; i < Values.Length; i++)
                if (Values[i] != other.Values[i])
                    return false;
            return true;
        }

        public override bool Equals(object other)
        {
            return Equals(other as StyleCode);
        }

        public override int GetHashCode()
        {
            return hash;
        }
    }

    /// <summary>All that the pixels of a drawn view depend on, within one bundle.</summary>
    internal struct ViewKey : IEquatable<ViewKey>
    {
        public readonly BundlePart Part;
        public readonly StyleCode Code;
        public readonly int View;

        /// <summary>Only the first ones may be chosen.</summary>
        public readonly int Classes;

        public ViewKey(BundlePart part, StyleCode code, int view, int classes)
        {
            Part = part;
            Code = code;
            View = view;
            Classes = classes;
        }

        public bool Equals(ViewKey other)
        {
            return ReferenceEquals(Part, other.Part) && View == other.View && Classes == other.Classes
                && Code.Equals(other.Code);
        }

        public override bool Equals(object other)
        {
            return other is ViewKey && Equals((ViewKey)other);
        }

        public override int GetHashCode()
        {
            return unchecked((Code.GetHashCode() * 31 + View) * 31 + Part.Network.GetHashCode());
        }
    }
}
