using System.Collections.Generic;
using System.Threading.Tasks;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// Drawn views, and those that are being drawn: whoever needs one of these waits for it instead of drawing it again. The
    /// least recently used go first once there are too many. Safe in threads.
    /// </summary>
    internal sealed class ViewStore
    {
        /// <summary>What an entry costs beside its pixels.</summary>
        const int EntryBytes = 300;

        sealed class Entry
        {
            public ViewKey Key;
            public TaskCompletionSource<byte[]> Source;
            public bool Done;
        }

        readonly long maxBytes;
        readonly Dictionary<ViewKey, LinkedListNode<Entry>> entries = new Dictionary<ViewKey, LinkedListNode<Entry>>();
        readonly LinkedList<Entry> order = new LinkedList<Entry>(); // least recently used first
        long bytes;

        public ViewStore(long maxBytes)
        {
            this.maxBytes = maxBytes;
        }

        /// <summary>Bytes that are held now.</summary>
        public long Bytes
        {
            get
            {
                lock (entries)
                    return bytes;
            }
        }

        /// <summary>The view, or that it is the caller's to draw: then <see cref="Finish"/> or <see cref="Fail"/> must
        /// follow.</summary>
        public Task<byte[]> Get(ViewKey key, out bool own)
        {
            lock (entries)
            {
                LinkedListNode<Entry> node;
                own = !entries.TryGetValue(key, out node);
                if (own)
                {
                    // Waiting continuations must not run on the drawing thread, in the middle of its batch.
                    var source = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
                    node = order.AddLast(new Entry { Key = key, Source = source });
                    entries.Add(key, node);
                }
                else
                {
                    order.Remove(node);
                    order.AddLast(node);
                }
                return node.Value.Source.Task;
            }
        }

        public void Finish(ViewKey key, byte[] slots)
        {
            TaskCompletionSource<byte[]> source;
            lock (entries)
            {
                LinkedListNode<Entry> node;
                if (!entries.TryGetValue(key, out node))
                    return;
                source = node.Value.Source;
                node.Value.Done = true;
                bytes += slots.Length + EntryBytes;
                LinkedListNode<Entry> oldest = order.First;
                while (bytes > maxBytes && oldest != null)
                {
                    LinkedListNode<Entry> next = oldest.Next;
                    if (oldest.Value.Done && oldest != node)
                    {
                        bytes -= oldest.Value.Source.Task.Result.Length + EntryBytes;
                        entries.Remove(oldest.Value.Key);
                        order.Remove(oldest);
                    }
                    oldest = next;
                }
                source.SetResult(slots);
            }
        }

        /// <summary>It could not be drawn; null: it was cancelled. Who asks next draws it.</summary>
        public void Fail(ViewKey key, System.Exception error)
        {
            lock (entries)
            {
                LinkedListNode<Entry> node;
                if (!entries.TryGetValue(key, out node) || node.Value.Done)
                    return;
                entries.Remove(key);
                order.Remove(node);
                if (error == null)
                {
                    node.Value.Source.TrySetCanceled();
                    return;
                }
                node.Value.Source.TrySetException(error);
                error = node.Value.Source.Task.Exception; // seen, whether somebody waits or not
            }
        }
    }
}
