using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>All that can be made with a model: what an editor needs to build its panel.</summary>
    public sealed class Description
    {
        internal Description(IReadOnlyDictionary<string, object> fields)
        {
            Fields = fields;
            Model = fields.Text("model");
            Version = fields.Text("version");
            Title = fields.Text("title");
            Sha256 = fields.Text("sha256");
            Licence = fields.Text("licence");
            Attribution = fields.Text("attribution");
            FrameSize = fields.Int("frame_size");
            Animations = fields.Records("animations", x => new AnimationInfo(x));
            Layers = fields.Records("layers", x => new LayerInfo(x));
            Ramps = fields.Table("ramps", list => (IReadOnlyList<RampInfo>)Array.ConvertAll(
                (object[])list, x => new RampInfo((IReadOnlyDictionary<string, object>)x)));
            Groups = fields.Table("groups", x => (string)x);
            Archetypes = fields.Records("archetypes", x => new ArchetypeInfo(x));
            Bodies = fields.Texts("bodies");
        }

        /// <summary>
        /// The description of a message "description", for example one that was kept on disk as msgpack.
        /// </summary>
        /// <exception cref="VcgException">code "protocol": it is none</exception>
        public static Description FromMap(IReadOnlyDictionary<string, object> map)
        {
            return new Description(Messages.ReadReply(map, "description"));
        }

        /// <summary>The message, field by field, defaults filled in. Not to be changed.</summary>
        public IReadOnlyDictionary<string, object> Fields { get; }

        /// <summary>Name of the bundle.</summary>
        public string Model { get; }

        /// <summary>Of the bundle.</summary>
        public string Version { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>Hex, of the bundle's manifest.json.</summary>
        public string Sha256 { get; }

        /// <summary>SPDX id or name.</summary>
        public string Licence { get; }

        /// <summary>One line that a product must show.</summary>
        public string Attribution { get; }

        /// <summary>Pixels of a frame, square.</summary>
        public int FrameSize { get; }

        /// <summary>In the bundle's order.</summary>
        public IReadOnlyList<AnimationInfo> Animations { get; }

        /// <summary>In the bundle's order, each with its items.</summary>
        public IReadOnlyList<LayerInfo> Layers { get; }

        /// <summary>Kind -> its ramps.</summary>
        public IReadOnlyDictionary<string, IReadOnlyList<RampInfo>> Ramps { get; }

        /// <summary>Colour group -> kind of ramp that it takes.</summary>
        public IReadOnlyDictionary<string, string> Groups { get; }

        /// <summary>In the bundle's order.</summary>
        public IReadOnlyList<ArchetypeInfo> Archetypes { get; }

        /// <summary>Body types, for <see cref="Design.Body"/>.</summary>
        public IReadOnlyList<string> Bodies { get; }
    }

    /// <summary>One animation.</summary>
    public sealed class AnimationInfo
    {
        internal AnimationInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Frames = fields.Int("frames");
            Fps = (double)fields["fps"];
            Loop = fields.Flag("loop");
            Directions = fields.Texts("directions");
            FrameNames = fields.Texts("frame_names");
        }

        /// <summary>For <see cref="GenerateRequest.Animations"/>.</summary>
        public string Id { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>For each direction.</summary>
        public int Frames { get; }

        /// <summary>Frames a second.</summary>
        public double Fps { get; }

        /// <summary>It repeats.</summary>
        public bool Loop { get; }

        /// <summary>Some of up, left, down, right, in this order.</summary>
        public IReadOnlyList<string> Directions { get; }

        /// <summary>Where frames have names of their own (expressions); else empty.</summary>
        public IReadOnlyList<string> FrameNames { get; }
    }

    /// <summary>One layer and its items.</summary>
    public sealed class LayerInfo
    {
        internal LayerInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Items = fields.Records("items", x => new ItemInfo(x));
            Required = fields.Flag("required");
            FrameSize = fields.Int("frame_size");
            Materials = fields.Records("materials", x => new MaterialInfo(x));
            Slot = fields.Int("slot");
            Slots = fields.Int("slots");
            Controls = fields.Records("controls", x => new ControlInfo(x));
        }

        /// <summary>For <see cref="Design.Items"/>.</summary>
        public string Id { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>In the bundle's order.</summary>
        public IReadOnlyList<ItemInfo> Items { get; }

        /// <summary>A character cannot be without.</summary>
        public bool Required { get; }

        /// <summary>Pixels, where its frames are larger than the model's; else 0.</summary>
        public int FrameSize { get; }

        /// <summary>What ramps colour.</summary>
        public IReadOnlyList<MaterialInfo> Materials { get; }

        /// <summary>First palette slot of the layer.</summary>
        public int Slot { get; }

        /// <summary>Number of palette slots, fixed colours included.</summary>
        public int Slots { get; }

        /// <summary>Sliders for this layer's style.</summary>
        public IReadOnlyList<ControlInfo> Controls { get; }
    }

    /// <summary>Palette slots of a layer that one ramp colours: slot + i shows colour i of the ramp.</summary>
    public sealed class MaterialInfo
    {
        internal MaterialInfo(IReadOnlyDictionary<string, object> fields)
        {
            Group = fields.Text("group");
            Kind = fields.Text("kind");
            Slot = fields.Int("slot");
            Shades = fields.Int("shades");
        }

        /// <summary>Colour group; layers that share it share the ramp.</summary>
        public string Group { get; }

        /// <summary>Kind of ramp that it takes.</summary>
        public string Kind { get; }

        /// <summary>Palette slot of its first shade.</summary>
        public int Slot { get; }

        /// <summary>Slots; slot + i shows colour i of the ramp, or its last where it has fewer.</summary>
        public int Shades { get; }
    }

    /// <summary>One drawn variant of a layer.</summary>
    public sealed class ItemInfo
    {
        internal ItemInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Kind = fields.Text("kind");
            Body = fields.Text("body");
            Hides = fields.Texts("hides");
            Allows = fields.Table("allows", WireFields.Texts);
            Needs = fields.Texts("needs");
        }

        /// <summary>For <see cref="Design.Items"/>.</summary>
        public string Id { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>Only items of one kind are mixed.</summary>
        public string Kind { get; }

        /// <summary>Body type that it fits; "": all.</summary>
        public string Body { get; }

        /// <summary>Layers that are not drawn when it is worn.</summary>
        public IReadOnlyList<string> Hides { get; }

        /// <summary>Layer -> the only items of it that fit under this one.</summary>
        public IReadOnlyDictionary<string, IReadOnlyList<string>> Allows { get; }

        /// <summary>Layers without which it is not drawn.</summary>
        public IReadOnlyList<string> Needs { get; }
    }

    /// <summary>A slider of a layer: how its style can be moved.</summary>
    public sealed class ControlInfo
    {
        internal ControlInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Low = fields.Text("low");
            High = fields.Text("high");
            Items = fields.Texts("items");
        }

        /// <summary>"layer/id" is its key in <see cref="Design.Controls"/>.</summary>
        public string Id { get; }

        /// <summary>For people: "Length".</summary>
        public string Title { get; }

        /// <summary>The word for -100: "shorter".</summary>
        public string Low { get; }

        /// <summary>The word for 100: "longer".</summary>
        public string High { get; }

        /// <summary>Items that it works for.</summary>
        public IReadOnlyList<string> Items { get; }
    }

    /// <summary>An ordered list of colours, light to dark.</summary>
    public sealed class RampInfo
    {
        internal RampInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Colours = fields.Bytes("colours");
        }

        /// <summary>For <see cref="Design.Ramps"/>.</summary>
        public string Id { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>R G B R G B ..., light to dark. Not to be changed.</summary>
        public byte[] Colours { get; }
    }

    /// <summary>A named distribution over items and ramps.</summary>
    public sealed class ArchetypeInfo
    {
        internal ArchetypeInfo(IReadOnlyDictionary<string, object> fields)
        {
            Id = fields.Text("id");
            Title = fields.Text("title");
            Description = fields.Text("description");
        }

        /// <summary>For <see cref="Design.Archetype"/>.</summary>
        public string Id { get; }

        /// <summary>For people.</summary>
        public string Title { get; }

        /// <summary>For people.</summary>
        public string Description { get; }
    }
}
