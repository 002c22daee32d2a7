namespace Vcg.Bridge
{
    /// <summary>What must be said of the model that drew a character.</summary>
    public sealed class ModelCredit
    {
        /// <summary>Name of the bundle.</summary>
        public string Name { get; }

        /// <summary>Licence of what it draws.</summary>
        public string Licence { get; }

        /// <summary>One line that a product must show.</summary>
        public string Attribution { get; }

        /// <summary>"LPC Revised (lpc-revised 2.0.0)".</summary>
        public string Text { get; }

        /// <summary>The credit of a bundle.</summary>
        public ModelCredit(string name, string title, string version, string licence, string attribution)
        {
            Name = name;
            Licence = licence;
            Attribution = attribution;
            Text = title + " (" + name + " " + version + ")";
        }
    }
}
