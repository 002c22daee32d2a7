using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>What to draw a recipe from. Whatever is not said is chosen by the seed.</summary>
    public sealed class LocalDesign
    {
        /// <summary>0 to 2^63 - 1. The next one gives another character.</summary>
        public long Seed;

        /// <summary>Id of an archetype of the bundle; "": one that the seed chooses.</summary>
        public string Archetype = "";

        /// <summary>A body of the bundle; "": as the items need it, else the seed chooses.</summary>
        public string Body = "";

        /// <summary>Percent of the drawn layers that become mixtures of two items, 0 to 100.</summary>
        public int Novelty;

        /// <summary>Layer -> id of an item (for clothes the part before the body is enough); null: not worn.</summary>
        public IDictionary<string, string> Items = new Dictionary<string, string>();

        /// <summary>Colour group -> id of a ramp; groups that are not worn are ignored.</summary>
        public IDictionary<string, string> Ramps = new Dictionary<string, string>();
    }
}
