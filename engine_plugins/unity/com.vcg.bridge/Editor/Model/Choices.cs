using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge.Editor
{
    /// <summary>What can be chosen for a character as it is, from a model's description.</summary>
    public static class Choices
    {
        /// <summary>The items of a layer that fit the character: its body, and what it wears over them.</summary>
        public static List<ItemInfo> Items(Description description, LayerInfo layer, Recipe recipe)
        {
            var body = BodyOf(description, recipe);
            var fitting = layer.Items.Where(item => layer.Id == "body" || item.Body.Length == 0 || body.Length == 0 || item.Body == body);
            foreach (var worn in Worn(description, recipe))
            {
                IReadOnlyList<string> allowed;
                if (worn.Allows.TryGetValue(layer.Id, out allowed))
                    fitting = fitting.Where(item => allowed.Contains(item.Id));
            }
            return fitting.ToList();
        }

        /// <summary>Why a layer is not seen: the title of what hides it; "" where nothing does.</summary>
        public static string HiddenBy(Description description, LayerInfo layer, Recipe recipe)
        {
            var hiding = Worn(description, recipe).FirstOrDefault(item => item.Hides.Contains(layer.Id));
            return hiding == null ? "" : hiding.Title;
        }

        /// <summary>The sliders that work for what the character wears in a layer.</summary>
        public static List<ControlInfo> Controls(LayerInfo layer, Recipe recipe)
        {
            LayerChoice choice;
            if (recipe == null || !recipe.Layers.TryGetValue(layer.Id, out choice))
                return new List<ControlInfo>();
            return layer.Controls.Where(control => control.Items.Contains(choice.Item)).ToList();
        }

        /// <summary>The materials of a layer whose colour group has not been shown by a layer before it.</summary>
        public static List<MaterialInfo> OwnMaterials(Description description, LayerInfo layer)
        {
            var before = description.Layers.TakeWhile(other => other.Id != layer.Id).SelectMany(other => other.Materials).Select(m => m.Group);
            var known = new HashSet<string>(before, StringComparer.Ordinal);
            return layer.Materials.Where(material => known.Add(material.Group)).ToList();
        }

        /// <summary>In a word what a layer wears: the item, a mixture, a style of its own.</summary>
        public static string WordsFor(LayerInfo layer, Recipe recipe)
        {
            LayerChoice choice;
            if (recipe == null || !recipe.Layers.TryGetValue(layer.Id, out choice))
                return "none";
            var title = TitleOf(layer, choice.Item);
            if (choice.Code != null)
                return title + ", changed";
            return choice.Mix.Length == 0 ? title : title + " + " + choice.Amount + " % " + TitleOf(layer, choice.Mix);
        }

        static string TitleOf(LayerInfo layer, string item)
        {
            var info = layer.Items.FirstOrDefault(x => x.Id == item);
            return info == null ? item : info.Title;
        }

        static IEnumerable<ItemInfo> Worn(Description description, Recipe recipe)
        {
            if (recipe == null)
                yield break;
            foreach (var layer in description.Layers)
            {
                LayerChoice choice;
                if (!recipe.Layers.TryGetValue(layer.Id, out choice))
                    continue;
                var item = layer.Items.FirstOrDefault(x => x.Id == choice.Item);
                if (item != null)
                    yield return item;
            }
        }

        static string BodyOf(Description description, Recipe recipe)
        {
            return Worn(description, recipe).Select(item => item.Body).FirstOrDefault(body => body.Length > 0) ?? "";
        }
    }
}
