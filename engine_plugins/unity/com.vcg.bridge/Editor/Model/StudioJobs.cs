using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Vcg.Bridge.Editor
{
    /// <summary>The jobs behind the studio: one that draws the character, one that draws a dozen to pick from. The newest wish
    /// wins; what comes of an older one is dropped.</summary>
    public sealed partial class Studio
    {
        void Start(Design design, IReadOnlyList<string> animations, string step)
        {
            if (!IsReady)
                return;
            waiting = null;
            liveStep = null;
            resume = () => Draw(new GenerateRequest { Design = design, Animations = animations }, step);
            resume();
        }

        void StartLive(Design design, string step)
        {
            if (!IsReady)
                return;
            liveStep = step;
            resume = null;
            var request = new GenerateRequest { Design = design, Animations = new[] { SeenAnimation } };
            if (drawing != null && drawing.IsLive)
                waiting = request; // the newest position only, once this one is there
            else
                Draw(request, null);
        }

        /// <summary>Draw another character. Without a step it is one of a slider that still moves.</summary>
        void Draw(GenerateRequest request, string step)
        {
            Stop(ref drawing);
            Trouble = "";
            NpcCharacter arriving = null;
            var slides = request.Design.Controls.Count > 0;
            Begin(ref drawing, request, (job, drawn) =>
            {
                if (job != drawing)
                    return;
                if (arriving == null)
                {
                    resume = null;
                    arriving = new NpcCharacter(drawn.Recipe, drawn.Palette);
                    arriving.Add(drawn);
                    Draft.Take(drawn.Recipe, slides);
                    Shown = arriving;
                    if (step != null)
                        Step(step);
                    else
                        Tell();
                    return;
                }
                arriving.Add(drawn);
                Tell();
            }, job =>
            {
                if (job != drawing)
                    return;
                drawing = null;
                var next = waiting;
                waiting = null;
                if (next != null)
                    Draw(next, null);
                else
                    FillIn();
            });
            drawing.IsLive = step == null;
        }

        /// <summary>See to it that every animation that is wanted is there, of the character that is shown.</summary>
        void FillIn()
        {
            if (!IsReady || Draft.Recipe == null || drawing != null || liveStep != null)
                return;
            var missing = WantedAnimations().Where(id => Shown == null || !Shown.Has(id)).ToList();
            if (missing.Count == 0)
            {
                Complete();
                return;
            }
            var request = new GenerateRequest { Recipe = Draft.Recipe, Animations = missing, Preview = Shown == null || Shown.Face == null };
            Begin(ref drawing, request, (job, drawn) =>
            {
                if (job != drawing || !NpcCharacter.SameClothes(drawn.Recipe, Draft.Recipe))
                    return;
                if (Shown == null)
                {
                    Shown = new NpcCharacter(drawn.Recipe, drawn.Palette);
                    Shown.Recoloured(Draft.Recipe, Description);
                }
                Shown.Add(drawn);
                Tell();
            }, job =>
            {
                if (job != drawing)
                    return;
                drawing = null;
                if (Trouble.Length == 0)
                    FillIn();
            });
        }

        void Complete()
        {
            if (Finished != null)
                Finished(Shown);
            if (!saveWanted)
                return;
            saveWanted = false;
            if (Saving != null)
                Saving(Shown);
            Tell();
        }

        /// <summary>Start a job. Its pictures and its end come on the queue's thread.</summary>
        void Begin(ref Job slot, GenerateRequest request, Action<Job, Drawn> arrived, Action<Job> ended)
        {
            var job = slot = new Job();
            if (request.Model.Length == 0)
                request.Model = Description.Model;
            Tell();
            queue.Run(async () =>
            {
                string trouble = null;
                try
                {
                    await link.DrawAsync(request, drawn => queue.Post(() => arrived(job, drawn)), job.Cancel.Token);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
                catch (VcgException error)
                {
                    if (error.Code == Vocabulary.ErrorCode.Cancelled)
                        return;
                    trouble = error.Text;
                }
                queue.Post(() => // behind the pictures
                {
                    if (job.Cancel.IsCancellationRequested)
                        return;
                    if (trouble != null)
                    {
                        resume = null;
                        Fail(trouble);
                    }
                    ended(job);
                    Tell();
                });
            });
        }

        void StopAll()
        {
            Stop(ref drawing);
            Stop(ref dozen);
            waiting = null;
            liveStep = null;
            saveWanted = false;
        }

        static void Stop(ref Job job)
        {
            var stopped = job;
            job = null;
            if (stopped != null)
                stopped.Cancel.Cancel();
        }

        sealed class Job
        {
            public readonly CancellationTokenSource Cancel = new CancellationTokenSource();
            public bool IsLive;
        }
    }
}
