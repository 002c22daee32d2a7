namespace Vcg.Bridge
{
    /// <summary>Where a client stands with its server.</summary>
    public enum ClientState
    {
        /// <summary>No connection is wanted.</summary>
        Idle,

        /// <summary>It will connect, for the first time or again.</summary>
        Waiting,

        /// <summary>It connects and says hello.</summary>
        Greeting,

        /// <summary>Connected and welcome.</summary>
        Ready,

        /// <summary>It cannot connect; the next request tries again.</summary>
        Failed,
    }
}
