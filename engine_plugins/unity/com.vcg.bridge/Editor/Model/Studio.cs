using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge.Editor
{
    /// <summary>What the window does: every button and slider calls one method here. It asks for pictures, shows what comes,
    /// and says when a step for the editor's undo is done. Everything in it happens on the thread that drains the queue.</summary>
    public sealed partial class Studio : IDisposable
    {
        /// <summary>Characters to pick from.</summary>
        public const int VariationCount = 12;

        const int SeedLimit = 1000000; // of the dice: short enough to read out; the field takes any up to 2^63 - 1

        readonly MainQueue queue;
        readonly Random dice;
        readonly List<NpcCharacter> variations = new List<NpcCharacter>();
        IStudioLink link;
        Job drawing;
        Job dozen;
        GenerateRequest waiting; // of a slider that moves on while the last position is still drawn
        Action resume; // what was asked for and has not come, for when there is a server again
        string liveStep;
        bool saveWanted;

        /// <summary>A studio that lives on that queue. dice: where new seeds come from; null: other ones every time.</summary>
        public Studio(MainQueue queue, Random dice = null)
        {
            this.queue = queue;
            this.dice = dice ?? new Random();
            Draft = new Draft();
            Trouble = "";
            SeenAnimation = "";
        }

        /// <summary>What is set.</summary>
        public Draft Draft { get; }

        /// <summary>Of the model; null before it is known.</summary>
        public Description Description { get; private set; }

        /// <summary>The character that is shown; null before the first.</summary>
        public NpcCharacter Shown { get; private set; }

        /// <summary>To pick from, as far as they have come.</summary>
        public IReadOnlyList<NpcCharacter> Variations
        {
            get { return variations; }
        }

        /// <summary>The animation that is looked at; it is drawn first.</summary>
        public string SeenAnimation { get; private set; }

        /// <summary>What went wrong, in words; "": nothing.</summary>
        public string Trouble { get; private set; }

        /// <summary>Something is being drawn.</summary>
        public bool IsBusy
        {
            get { return drawing != null || dozen != null || saveWanted; }
        }

        /// <summary>A slider has moved and was not let go yet, see Settle.</summary>
        public bool IsLive
        {
            get { return liveStep != null; }
        }

        /// <summary>A model and something that draws are there.</summary>
        public bool IsReady
        {
            get { return link != null && Description != null; }
        }

        /// <summary>A character was asked for that has not come yet: after a reload of the scripts Generate asks for it again.</summary>
        public bool IsUnfinished
        {
            get { return resume != null; }
        }

        /// <summary>Something to show has changed.</summary>
        public event Action Changed;

        /// <summary>The draft has made a step for the undo: its name.</summary>
        public event Action<string> Stepped;

        /// <summary>A character that came of an action is complete: one for the history.</summary>
        public event Action<NpcCharacter> Finished;

        /// <summary>A character that was to be saved is complete.</summary>
        public event Action<NpcCharacter> Saving;

        /// <summary>There is a server and its model. A character of another model cannot be drawn with it and goes.</summary>
        public void Attach(IStudioLink with, Description description)
        {
            StopAll();
            var same = Description != null && Description.Sha256 == description.Sha256;
            link = with;
            Description = description;
            if (!description.Animations.Any(x => x.Id == SeenAnimation))
                SeenAnimation = description.Animations.Any(x => x.Id == "walk") ? "walk" : description.Animations.Count > 0 ? description.Animations[0].Id : "";
            if (Draft.Recipe != null && Draft.Recipe.ModelSha256 != description.Sha256)
            {
                Draft.Take(null, false);
                Draft.Locks.Clear();
            }
            if (!same || Draft.Recipe == null)
                Shown = null;
            Tell();
            if (resume != null)
                resume();
            else
                FillIn();
        }

        /// <summary>There is no server now. What is shown stays, and what was asked for is asked again with the next one.</summary>
        public void Detach()
        {
            StopAll();
            link = null;
            Tell();
        }

        /// <summary>Ids of the animations that are made, the one that is seen first.</summary>
        public List<string> WantedAnimations()
        {
            var wanted = Description.Animations.Select(x => x.Id).Where(id => Draft.Animations.Count == 0 || Draft.Animations.Contains(id));
            return new[] { SeenAnimation }.Concat(wanted.Where(id => id != SeenAnimation)).ToList();
        }

        /// <summary>A character of the settings as they are.</summary>
        public void Generate()
        {
            Start(NewDesign(), WantedAnimations(), "Generate NPC");
        }

        /// <summary>The same, as soon as there is a server.</summary>
        public void GenerateWhenReady()
        {
            if (IsReady)
                Generate();
            else
                resume = Generate;
        }

        /// <summary>Another seed; locked layers stay.</summary>
        public void Reroll()
        {
            Draft.Seed = dice.Next(1, SeedLimit);
            Start(NewDesign(), WantedAnimations(), "Re-roll NPC");
        }

        /// <summary>One layer of the character anew, all others stay.</summary>
        public void RerollLayer(string layer)
        {
            if (Draft.Recipe == null)
                return;
            var design = new Design { Base = Draft.Recipe, Seed = dice.Next(1, SeedLimit), Reroll = new[] { "item:" + layer } };
            Start(design, WantedAnimations(), "Re-roll " + TitleOf(layer));
        }

        /// <summary>Put on another item; null: none.</summary>
        public void SetItem(string layer, string item)
        {
            if (Draft.Recipe == null)
                return;
            var items = new Dictionary<string, string> { { layer, item } };
            Start(new Design { Base = Draft.Recipe, Seed = Draft.Recipe.Seed, Items = items }, WantedAnimations(), "Change " + TitleOf(layer));
        }

        /// <summary>Another ramp: a change of the palette, nothing is drawn.</summary>
        public void SetRamp(string group, string ramp)
        {
            string now;
            if (Shown == null || !Draft.Recipe.Ramps.TryGetValue(group, out now) || now == ramp)
                return;
            Draft.SetRamp(group, ramp);
            Shown.Recoloured(Draft.Recipe, Description);
            Step("Change colour of " + group);
        }

        /// <summary>A slider moves. Draws while it does; see Settle.</summary>
        /// <param name="key">"layer/control"</param>
        /// <param name="percent">-100 to 100</param>
        public void SetControl(string key, int percent)
        {
            int now;
            if (Draft.Recipe == null || (Draft.Controls.TryGetValue(key, out now) ? now : 0) == percent)
                return;
            Draft.MoveControl(key, percent);
            var controls = Draft.Controls.ToDictionary(x => x.Key, x => x.Value);
            StartLive(new Design { Base = Draft.ControlBase, Seed = Draft.ControlBase.Seed, Controls = controls }, "Change " + key);
        }

        /// <summary>The novelty slider moves.</summary>
        public void SetNovelty(int percent)
        {
            if (percent == Draft.Novelty)
                return;
            Draft.Novelty = percent;
            if (Draft.Recipe == null)
                Step("Change novelty");
            else
                StartLive(NewDesign(), "Change novelty");
        }

        /// <summary>A slider was let go: the step is made, and the animations that were not drawn meanwhile are.</summary>
        public void Settle()
        {
            if (liveStep != null)
                Step(liveStep);
            liveStep = null;
            FillIn();
        }

        /// <summary>One of the plain settings was changed: a step, nothing is drawn.</summary>
        public void Changing(string step, Action<Draft> change)
        {
            var before = Draft.ToString();
            change(Draft);
            if (Draft.ToString() == before)
                return;
            Step(step);
            FillIn();
        }

        /// <summary>Lock a layer, or unlock it.</summary>
        public void SetLock(string layer, bool locked)
        {
            Changing((locked ? "Lock " : "Unlock ") + TitleOf(layer), draft =>
            {
                if (locked)
                    draft.Locks.Add(layer);
                else
                    draft.Locks.Remove(layer);
            });
        }

        /// <summary>Another animation is looked at.</summary>
        public void See(string animation)
        {
            SeenAnimation = animation;
            Tell();
            FillIn();
        }

        /// <summary>Twelve characters to pick from; locked layers stay.</summary>
        public void MakeVariations()
        {
            if (!IsReady)
                return;
            Stop(ref dozen);
            variations.Clear();
            Trouble = "";
            var design = NewDesign();
            design.Seed = dice.Next(1, SeedLimit);
            var request = new GenerateRequest
            {
                Design = design, Count = VariationCount, Animations = new[] { SeenAnimation }, Output = new Output { Kind = "preview" },
            };
            Begin(ref dozen, request, (job, drawn) =>
            {
                if (job != dozen)
                    return;
                var one = new NpcCharacter(drawn.Recipe, drawn.Palette);
                one.Add(drawn);
                variations.Add(one);
                Tell();
            }, job =>
            {
                if (job == dozen)
                    dozen = null;
            });
        }

        /// <summary>Show a character that was drawn before, or whose recipe is known.</summary>
        public void Pick(Recipe recipe, string step)
        {
            if (Description != null && recipe.ModelSha256 != Description.Sha256)
            {
                Fail("That character belongs to another version of the model (" + recipe.Model + "), which this server does not have.");
                return;
            }
            Stop(ref drawing);
            resume = null;
            Draft.Take(recipe, false);
            var known = variations.FirstOrDefault(x => NpcCharacter.SameClothes(x.Recipe, recipe));
            Shown = known == null ? null : known.Copy(); // the one in the gallery keeps its colours
            if (Shown != null && Description != null)
                Shown.Recoloured(recipe, Description);
            Step(step);
            FillIn();
        }

        /// <summary>Undo and redo come here: become what the draft's text says.</summary>
        public void Restore(string text)
        {
            if (text == Draft.ToString())
                return;
            Stop(ref drawing);
            waiting = null;
            resume = null;
            liveStep = null;
            saveWanted = false;
            Draft.Restore(text);
            Trouble = "";
            if (Draft.Recipe == null || Shown == null || Description == null || !NpcCharacter.SameClothes(Shown.Recipe, Draft.Recipe))
                Shown = null;
            else
                Shown.Recoloured(Draft.Recipe, Description);
            Tell();
            FillIn();
        }

        /// <summary>Have all animations drawn that are wanted and still missing; then Saving comes.</summary>
        public void Save()
        {
            if (Draft.Recipe == null)
            {
                Fail("There is no character yet: press Generate.");
                return;
            }
            Trouble = "";
            saveWanted = true;
            Tell();
            FillIn();
        }

        /// <summary>Give up what is being drawn.</summary>
        public void Cancel()
        {
            StopAll();
            resume = null;
            Tell();
        }

        /// <summary>Say what went wrong.</summary>
        public void Fail(string words)
        {
            Trouble = words;
            saveWanted = false;
            Tell();
        }

        /// <summary>End everything.</summary>
        public void Dispose()
        {
            StopAll();
            link = null;
            Changed = null;
            Stepped = null;
            Finished = null;
            Saving = null;
        }

        Design NewDesign()
        {
            var design = new Design { Seed = Draft.Seed, Archetype = Draft.Archetype, Body = Draft.Body, Novelty = Draft.Novelty };
            if (Draft.Recipe == null || Draft.Locks.Count == 0)
                return design;
            var keep = new List<string>(); // "item:" and "ramp:", because a plain name that is both would mean both
            foreach (var layer in Description.Layers.Where(x => Draft.Locks.Contains(x.Id)))
            {
                keep.Add("item:" + layer.Id);
                keep.AddRange(layer.Materials.Select(material => "ramp:" + material.Group));
            }
            design.Base = Draft.Recipe;
            design.Keep = keep.Distinct().ToList();
            return design;
        }

        string TitleOf(string layer)
        {
            var info = Description == null ? null : Description.Layers.FirstOrDefault(x => x.Id == layer);
            return info == null ? layer : info.Title;
        }

        void Step(string name)
        {
            if (Stepped != null)
                Stepped(name);
            Tell();
        }

        void Tell()
        {
            if (Changed != null)
                Changed();
        }
    }
}
